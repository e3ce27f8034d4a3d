#include "iddpm/model/edit.h"

#include "iddpm/model/draw.h"
#include "tests/random_images.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

ModelSettings model_of_twelve_steps(std::int64_t classes = 0) {
  ModelSettings settings = tiny_model();
  settings.network.classes = classes;
  settings.diffusion.steps = 12;
  settings.class_names.resize(static_cast<std::size_t>(classes));
  return settings;
}

Model model(std::int64_t classes = 0) {
  const ModelSettings settings = model_of_twelve_steps(classes);
  return Model({.settings = settings}, UNet(settings.network, 7), Precision::float32);
}

Tensor images(std::int64_t count) { return 0.5 * random_images({count, 1, 8, 8}, 11); }

DrawRequest edit_request(double strength, const Tensor& mask = {}) {
  return {.count = 6,
          .seed = 7,
          .sampler = "ancestral",
          .edit = ImageEdit{.images = images(2), .strength = strength, .mask = mask, .resampling = {2, 3}},
          .batch = 6};
}

Tensor upper_half() {
  const Tensor mask = at::zeros({8, 8}, at::kBool);
  mask.narrow(0, 0, 4).fill_(true);
  return mask;
}

double distance(const Tensor& a, const Tensor& b) { return (a - b).square().mean().sqrt().item<double>(); }

std::string refusal(const DrawRequest& request, const Model& of = model()) {
  return error_of([&] { drawn_timesteps(of, request); });
}

}  // namespace

TEST(Edit, TakesTheTimestepsThatTheStrengthSays) {
  EXPECT_EQ(drawn_timesteps(model(), edit_request(1.0)).back(), 11) << "the noisiest";
  EXPECT_EQ(drawn_timesteps(model(), edit_request(0.5)), (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(drawn_timesteps(model(), edit_request(0.01)), std::vector<std::int64_t>{0});
}

TEST(Edit, StaysNearTheImagesTheMoreTheLessStrengthItHas) {
  const Tensor near = draw_at_once(model(), edit_request(0.01));
  const Tensor far = draw_at_once(model(), edit_request(1.0));
  const Tensor start = images(2).repeat({3, 1, 1, 1});
  EXPECT_LT(distance(near, start), 0.4);
  EXPECT_GT(distance(far, start), 2.0 * distance(near, start));
  EXPECT_FALSE(at::equal(near[0], near[2])) << "variations of one image differ";
}

TEST(Edit, IsTheSameWhateverTheBatchAndTheFirstNumber) {
  for (const Tensor& mask : {Tensor(), upper_half()}) {
    const Tensor whole = draw_at_once(model(), edit_request(0.5, mask));
    DrawRequest parts = edit_request(0.5, mask);
    parts.batch = 4;
    EXPECT_TRUE(at::allclose(draw_at_once(model(), parts), whole, 1e-4, 1e-4));
    DrawRequest alone = edit_request(0.5, mask);
    alone.first = 3;
    alone.count = 1;
    EXPECT_TRUE(at::allclose(draw_at_once(model(), alone)[0], whole[3], 1e-4, 1e-4)) << "number 3 begins at image 1";
  }
}

TEST(Inpaint, KeepsWhatIsBlackInTheMaskExactly) {
  for (const char* sampler : {"ancestral", "ddim", "heun"}) {
    DrawRequest request = edit_request(1.0, upper_half());
    request.sampler = sampler;
    const Tensor drawn = draw_at_once(model(), request);
    const Tensor start = images(2).repeat({3, 1, 1, 1});
    EXPECT_TRUE(at::equal(drawn.narrow(2, 4, 4), start.narrow(2, 4, 4))) << sampler;
    EXPECT_GT(distance(drawn.narrow(2, 0, 4), start.narrow(2, 0, 4)), 0.1) << sampler;
  }
}

TEST(Inpaint, WithAllStrengthWhatTheHoleHeldHasNoInfluence) {
  const auto drawn = [&](double strength, double hole) {
    DrawRequest request = edit_request(strength, upper_half());
    request.edit->images = request.edit->images.clone();
    request.edit->images.narrow(2, 0, 4).fill_(hole);
    return draw_at_once(model(), request);
  };
  EXPECT_TRUE(at::equal(drawn(1.0, -1.0), drawn(1.0, 1.0)));
  EXPECT_FALSE(at::allclose(drawn(0.3, -1.0), drawn(0.3, 1.0), 1e-2, 1e-2));
}

TEST(Edit, RefusesWhatCannotBe) {
  const auto with = [](auto change) {
    DrawRequest request = edit_request(0.5, upper_half());
    change(request);
    return refusal(request);
  };
  EXPECT_TRUE(contains(with([](DrawRequest& r) { r.edit->strength = 0.0; }), "strength above 0 and at most 1, got 0"));
  EXPECT_TRUE(contains(with([](DrawRequest& r) { r.edit->images = at::zeros({1, 3, 8, 8}); }), "[1, 8, 8]"));
  EXPECT_TRUE(contains(with([](DrawRequest& r) { r.edit->images = at::zeros({0, 1, 8, 8}); }), "at least one"));
  EXPECT_TRUE(contains(with([](DrawRequest& r) { r.edit->mask = at::ones({4, 8}, at::kBool); }), "[4, 8]"));
  EXPECT_TRUE(contains(with([](DrawRequest& r) { r.edit->mask = at::zeros({8, 8}, at::kBool); }), "nothing to draw"));
  EXPECT_TRUE(contains(with([](DrawRequest& r) { r.edit->resampling.times = 0; }), "got 0 times"));
  EXPECT_TRUE(contains(with([](DrawRequest& r) { r.start = DataStart{.mean = {0}, .spread = {1}}; }), "one beginning"));
  for (const char* sampler : {"dpm++", "dpm++-sde", "unipc", "ipndm", "deis"}) {
    const std::string sentence = with([&](DrawRequest& r) { r.sampler = sampler; });
    EXPECT_TRUE(contains(sentence, sampler) && contains(sentence, "ancestral, ddim")) << sentence;
  }
  EXPECT_TRUE(contains(with([](DrawRequest& r) {
                         r.sampler = "euler";
                         r.sampler_options.churn = 5.0;
                       }),
                       "without churn"));
}

TEST(Interpolate, GoesFromTheImageOfOneSeedToThatOfAnother) {
  DrawRequest request{.first = 2,
                      .count = 5,
                      .sampler = "ddim",
                      .interpolation = Interpolation{.ends = {std::uint64_t{3}, std::uint64_t{4}}},
                      .batch = 3};
  const Tensor row = draw_at_once(model(), request);
  for (const std::uint64_t seed : {3U, 4U}) {
    const Tensor own = draw_at_once(model(), {.first = 2, .count = 1, .seed = seed, .sampler = "ddim"});
    EXPECT_TRUE(at::allclose(row[seed == 3 ? 0 : 4], own[0], 1e-3, 1e-3)) << seed;
  }
  EXPECT_FALSE(at::allclose(row[2], row[0], 1e-2, 1e-2));
}

TEST(Interpolate, LeadsBackToTheImagesAtItsEnds) {
  // A network of the least influence, so that DDIM's path is the same both ways: its last convolution is zero.
  DrawRequest request{
      .count = 3, .sampler = "ddim", .interpolation = Interpolation{.ends = {images(2)[0], images(2)[1]}}, .batch = 2};
  const Tensor row = draw_at_once(model(), request);
  EXPECT_LT(distance(row[0], images(2)[0]), 0.05);
  EXPECT_LT(distance(row[2], images(2)[1]), 0.05);
}

TEST(Interpolate, RefusesWhatCannotBe) {
  const auto with = [](auto change, std::int64_t classes = 0) {
    DrawRequest request{.sampler = "ddim", .interpolation = Interpolation{.ends = {std::uint64_t{3}, images(1)[0]}}};
    change(request);
    return refusal(request, model(classes));
  };
  EXPECT_EQ(with([](DrawRequest&) {}), "");
  EXPECT_TRUE(contains(with([](DrawRequest& r) { r.interpolation->ends.pop_back(); }), "at least 2 ends, got 1"));
  EXPECT_TRUE(contains(with([](DrawRequest& r) { r.interpolation->ends[1] = at::zeros({1, 4, 4}); }), "[1, 4, 4]"));
  EXPECT_TRUE(contains(with([](DrawRequest& r) { r.sampler = "ancestral"; }), "ddim"));
  EXPECT_TRUE(contains(with([](DrawRequest& r) { r.sampler = "ancestral"; }), "not ancestral"));
  EXPECT_TRUE(contains(with([](DrawRequest& r) { r.sampler_options.eta = 0.5; }), "eta 0.5"));
  EXPECT_TRUE(contains(with([](DrawRequest& r) { r.edit = edit_request(0.5).edit; }), "one beginning"));
  EXPECT_TRUE(contains(with([](DrawRequest&) {}, 3), "one class"));
  EXPECT_EQ(with([](DrawRequest& r) { r.classes.classes = {1}; }, 3), "");
}

TEST(OnStep, SeesEveryStepOfEveryBatch) {
  DrawRequest request = edit_request(0.5);
  request.batch = 4;
  std::vector<std::int64_t> seen;
  Tensor last;
  std::vector<Tensor> drawn;
  draw(
      model(), request, [&](const DrawnBatch& batch) { drawn.push_back(batch.images); }, {},
      [&](const DrawingStep& step) {
        EXPECT_EQ(step.steps, 6);
        EXPECT_EQ(step.x_0.sizes(), step.x.sizes());
        seen.push_back(step.position + 100 * step.step);
        last = step.x.clone();
      });
  EXPECT_EQ(seen, (std::vector<std::int64_t>{100, 200, 300, 400, 500, 600, 104, 204, 304, 404, 504, 604}));
  EXPECT_TRUE(at::equal(last, drawn.back()));
}

}  // namespace iddpm
