#include "iddpm/model/guidance.h"

#include "iddpm/diffusion/noise_level.h"
#include "iddpm/model/request_denoiser.h"
#include "tests/operation_counter.h"
#include "tests/random_images.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

// The last convolution of a new network is zero.
void stir(const NamedParameters& parameters, std::uint64_t seed) {
  const at::NoGradGuard no_gradient;
  for (const auto& [name, parameter] : parameters) {
    const Tensor noise = random_noise(std::vector<std::int64_t>{parameter.numel(), 1, 1, 1}, ++seed);
    parameter.add_(0.1 * noise.view(parameter.sizes()));
  }
}

Model lively(const ModelSettings& settings, std::uint64_t seed) {
  UNet network(settings.network, seed);
  stir(network.parameters(), 100 * seed);
  return Model({.settings = settings}, network, Precision::float32);
}

ModelSettings tiny_with_class_dropout() {
  ModelSettings settings = tiny_model();
  settings.network.class_dropout = 0.1;
  settings.diffusion.steps = 20;
  return settings;
}

Model led() { return lively(tiny_with_class_dropout(), 1); }

DrawRequest request_of(Guidance guidance, const std::string& sampler = "ancestral") {
  return {.count = 3, .seed = 7, .sampler = sampler, .steps = "10", .guidance = std::move(guidance), .batch = 3};
}

ModelGuidance by_scale(double scale, std::optional<Model> guide = {}) {
  return {.options = {.scale = scale}, .guide = std::move(guide)};
}

ClassifierGuidance by_classifier(double scale) {
  const ModelSettings settings = tiny_with_class_dropout();
  ClassifierInfo info{.options = {.network = settings.network, .classes = 3, .pool = ClassifierPool::adaptive},
                      .diffusion = settings.diffusion,
                      .class_names = settings.class_names};
  NoisyClassifier network(info.options, 3);
  info.options = network.options();
  stir(network.parameters(), 500);
  return {.classifier = TrainedClassifier(info, network), .scale = scale};
}

std::string refusal(const Model& model, Guidance guidance) {
  const DrawRequest request = request_of(std::move(guidance));
  return error_of([&] { draw(model, request, [](const DrawnBatch&) { ADD_FAILURE() << "drawn all the same"; }); });
}

}  // namespace

TEST(DrawGuided, AScaleOfOneIsNoGuidanceBitForBit) {
  const Model model = led();
  for (const char* sampler : {"ancestral", "dpm++"}) {
    const Tensor plain = draw_at_once(model, request_of({}, sampler));
    EXPECT_TRUE(at::equal(draw_at_once(model, request_of(by_scale(1.0), sampler)), plain)) << sampler;
    EXPECT_TRUE(
        at::equal(draw_at_once(model, request_of(by_scale(1.0, lively(tiny_with_class_dropout(), 2)), sampler)), plain))
        << sampler;
    EXPECT_FALSE(at::equal(draw_at_once(model, request_of(by_scale(1.5), sampler)), plain)) << sampler;
  }
}

TEST(DrawGuided, AScaleOfZeroIsTheGuideAlone) {
  const Model model = led();
  const Model guide = lively(tiny_with_class_dropout(), 2);
  const Tensor alone = draw_at_once(guide, request_of({}, "ddim"));
  const Tensor by_it = draw_at_once(model, request_of(by_scale(0.0, guide), "ddim"));
  EXPECT_TRUE(at::allclose(by_it, alone, 1e-4, 1e-4));
  DrawRequest without = request_of(by_scale(0.0), "ddim");
  without.classes.classes = {2};
  DrawRequest other = without;
  other.classes.classes = {0};
  EXPECT_TRUE(at::allclose(draw_at_once(model, without), draw_at_once(model, other), 1e-4, 1e-4)) << "no class told";
}

TEST(DrawGuided, PredictionsAreCombinedBeforeTheyAreClipped) {
  const Model model = led();
  const ReverseProcess process = model.reverse_process().respaced("10");
  const Tensor x_t = 2.0 * random_noise({3, 1, 8, 8}, 5), y = at::tensor({0, 1, 2}, at::kLong);
  const Timesteps t = Timesteps::repeated(7, 3);
  const at::NoGradGuard no_gradient;
  const auto x_0 = [&](const Tensor& classes) {
    return process.denoiser(model.network_of(classes), /*clip_x_0=*/false)(x_t, t).x_0;
  };
  const Tensor with = x_0(y), without = x_0(at::full_like(y, no_class));
  ASSERT_GT(with.abs().max().item<double>(), 1.0) << "something to clip";
  const Tensor expected = (without + 3.0 * (with - without)).clamp(-1.0, 1.0);
  const Prediction prediction = request_denoiser(model, process, request_of(by_scale(3.0)), y)(x_t, t);
  EXPECT_TRUE(at::allclose(prediction.x_0, expected, 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(prediction.mean, process.q().posterior(expected, x_t, t).mean, 1e-4, 1e-5));
  DrawRequest limited = request_of(by_scale(3.0));
  limited.sampler_options.threshold = 0.5;
  EXPECT_FALSE(at::allclose(request_denoiser(model, process, limited, y)(x_t, t).x_0, expected, 1e-2, 1e-2));
}

TEST(DrawGuided, AGuideMayPredictAnotherQuantity) {
  ModelSettings other = tiny_with_class_dropout();
  other.diffusion.mean = Mean::velocity;
  const Tensor images = draw_at_once(led(), request_of(by_scale(1.5, lively(other, 2)), "dpm++"));
  EXPECT_TRUE(images.isfinite().all().item<bool>());
  EXPECT_FALSE(at::equal(images, draw_at_once(led(), request_of({}, "dpm++"))));
}

// The network looks at the range of its classes once each time that it is asked.
TEST(DrawGuided, EvaluationsAreThoseThatHappen) {
  const Model model = led();
  ModelGuidance within = by_scale(2.0);
  within.options.least = 0.2;
  within.options.greatest = 2.0;
  for (const char* sampler : {"ancestral", "heun", "dpm++", "unipc"}) {
    for (const Guidance& guidance : {Guidance(), Guidance(by_scale(2.0)), Guidance(within)}) {
      const DrawRequest request = request_of(guidance, sampler);
      const std::int64_t stated = network_evaluations(model, request).diffusion;
      const OperationCounter counter;
      (void)draw_at_once(model, request);
      EXPECT_EQ(counter.count("aten::min"), stated) << sampler << " " << describe(guidance);
    }
  }
  EXPECT_EQ(network_evaluations(model, request_of({})).diffusion, 10);
  EXPECT_EQ(network_evaluations(model, request_of(by_scale(2.0))).diffusion, 20);
  EXPECT_EQ(network_evaluations(model, request_of(by_scale(1.0))).diffusion, 10);
  EXPECT_GT(network_evaluations(model, request_of({}, "heun")).diffusion, 10);
  EXPECT_LT(network_evaluations(model, request_of(within)).diffusion, 20);
}

TEST(DrawGuided, AClassifierMovesTheMeanOfAncestralStepsAndEpsilonOfOthers) {
  const Model model = led();
  for (const char* sampler : {"ancestral", "ddim", "dpm++"}) {
    const Tensor plain = draw_at_once(model, request_of({}, sampler));
    EXPECT_TRUE(at::equal(draw_at_once(model, request_of(by_classifier(0.0), sampler)), plain)) << sampler;
    EXPECT_FALSE(at::allclose(draw_at_once(model, request_of(by_classifier(2.0), sampler)), plain)) << sampler;
    const NetworkEvaluations evaluations = network_evaluations(model, request_of(by_classifier(2.0), sampler));
    EXPECT_EQ(evaluations.diffusion, 10) << sampler;
    EXPECT_EQ(evaluations.classifier, 10) << sampler;
  }
  const ReverseProcess process = model.reverse_process().respaced("10");
  const Tensor x_t = 2.0 * random_noise({3, 1, 8, 8}, 5), y = at::tensor({0, 1, 2}, at::kLong);
  const Timesteps t = Timesteps::repeated(7, 3);
  const at::NoGradGuard no_gradient;
  const ClassifierGuidance guidance = by_classifier(2.0);
  const Tensor gradient =
      2.0 * log_probability_gradient(guidance.classifier.network(), x_t, process.network_timesteps(t, at::kCPU), y);
  const Prediction plain = process.denoiser(model.network_of(y))(x_t, t);
  const Prediction moved = request_denoiser(model, process, request_of(guidance), y)(x_t, t);
  EXPECT_TRUE(at::equal(moved.x_0, plain.x_0));
  EXPECT_TRUE(at::allclose(moved.mean, plain.mean + plain.variance * gradient, 1e-4, 1e-6));
  const Prediction unclipped = process.denoiser(model.network_of(y), /*clip_x_0=*/false)(x_t, t);
  const Tensor expected = guide_epsilon(process.q(), unclipped, x_t, t, gradient).x_0.clamp(-1.0, 1.0);
  EXPECT_TRUE(at::allclose(request_denoiser(model, process, request_of(guidance, "ddim"), y)(x_t, t).x_0, expected,
                           1e-4, 1e-5));
}

TEST(DrawGuided, AClassifierOfAnotherKindIsRefused) {
  const auto refused = [](auto change) {
    ClassifierGuidance guidance = by_classifier(1.0);
    ClassifierInfo info = guidance.classifier.info();
    change(info);
    NoisyClassifier network(info.options);
    guidance.classifier = TrainedClassifier(info, network);
    return refusal(led(), guidance);
  };
  EXPECT_EQ(error_of([] { (void)draw_at_once(led(), request_of(by_classifier(1.0))); }), "");
  EXPECT_TRUE(contains(refused([](ClassifierInfo& info) { info.class_names[0] = "oval"; }), "knows the classes oval"));
  EXPECT_TRUE(contains(refused([](ClassifierInfo& info) { info.options.network.image_width = 16; }),
                       "takes images [1, 8, 16]; expected [1, 8, 8]"));
  EXPECT_TRUE(contains(refused([](ClassifierInfo& info) { info.diffusion.steps = 21; }), "schedule of 21 steps"));
  EXPECT_TRUE(contains(refusal(led(), by_classifier(-1.0)), "scale of at least 0"));
}

TEST(DrawGuided, WhatCanNotGuideIsRefusedWithASentence) {
  ModelSettings settings = tiny_with_class_dropout();
  const Model model = lively(settings, 1);
  const auto without = [&](auto change) {
    ModelSettings changed = settings;
    change(changed);
    return lively(changed, 2);
  };
  const Model unconditional = without([](ModelSettings& changed) {
    changed.network.classes = 0;
    changed.network.class_dropout = 0;
    changed.class_names.clear();
  });
  EXPECT_TRUE(contains(refusal(unconditional, by_scale(2.0)), "no classes"));
  EXPECT_TRUE(
      contains(refusal(without([](ModelSettings& changed) { changed.network.class_dropout = 0; }), by_scale(2.0)),
               "class_dropout is 0"));
  EXPECT_TRUE(contains(refusal(model, by_scale(2.0, unconditional)), "has no classes; expected those of the model"));
  const Model larger = without([](ModelSettings& changed) { changed.network.image_width = 16; });
  EXPECT_TRUE(contains(refusal(model, by_scale(2.0, larger)), "draws images [1, 8, 16]; expected [1, 8, 8]"));
  const Model renamed = without([](ModelSettings& changed) { changed.class_names.back() = "8"; });
  EXPECT_TRUE(contains(refusal(model, by_scale(2.0, renamed)), "the classes circle, Square, 8; expected"));
  const Model linear = without([](ModelSettings& changed) { changed.diffusion.schedule = "linear"; });
  EXPECT_TRUE(contains(refusal(model, by_scale(2.0, linear)),
                       "another diffusion process, a linear schedule of 20 steps; expected that of the model, a cosine "
                       "schedule of 20 steps"));
  ModelGuidance nowhere = by_scale(2.0);
  nowhere.options.least = 1e6;
  EXPECT_TRUE(contains(refusal(model, nowhere), "none of the steps has a noise level"));
  EXPECT_TRUE(contains(refusal(model, by_scale(-1.0)), "scale of at least 0"));
}

TEST(DrawGuided, ARecordSaysHow) {
  ModelGuidance guidance = by_scale(2.0);
  EXPECT_EQ(describe(Guidance(guidance)), "guidance 2");
  guidance.options.greatest = 5.0;
  EXPECT_EQ(describe(Guidance(guidance)), "guidance 2 at noise levels 0 to 5");
  EXPECT_EQ(describe(Guidance()), "");
}

}  // namespace iddpm
