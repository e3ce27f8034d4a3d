#include "iddpm/samplers/sampler.h"

#include <gtest/gtest.h>

#include <set>

#include "iddpm/samplers/registry.h"
#include "tests/expect_error.h"
#include "tests/random_images.h"
#include "tests/samplers/toy_process.h"

namespace iddpm {
namespace {

const std::vector<std::int64_t> image_shape = {2, 3, 5};

// The streams of images first, first + 1, ... of one seed.
std::vector<RandomStream> streams(const std::vector<std::uint64_t>& indices, std::uint64_t seed = 7) {
  std::vector<RandomStream> result;
  for (std::uint64_t index : indices) result.emplace_back(seed, StreamPurpose::sampling, index);
  return result;
}

TEST(NoiseFromStreams, ContinuesEachStreamFromDrawToDraw) {
  const NoiseSource noise = noise_from_streams(streams({3}), {1, 2, 4});
  RandomStream stream = streams({3})[0];
  for (std::int64_t draw = 0; draw < 4; ++draw) {
    const Tensor expected = normal_per_image({&stream, 1}, {1, 2, 4});
    EXPECT_TRUE(at::equal(noise(draw), expected)) << "draw " << draw;
  }
}

TEST(NoiseFromStreams, GivesADrawWhateverWasDrawnBefore) {
  const NoiseSource noise = noise_from_streams(streams({0, 1}), image_shape);
  const Tensor fifth = noise(5);
  noise(0);
  noise(9);
  EXPECT_TRUE(at::equal(noise(5), fifth));
  EXPECT_FALSE(at::equal(noise(6), fifth));
}

TEST(NoiseFromStreams, DrawsNeverShareNumbers) {
  const NoiseSource noise = noise_from_streams(streams({0}), {1, 3, 5});
  std::set<float> seen;
  for (std::int64_t draw = 0; draw < 8; ++draw) {
    const Tensor values = noise(draw);
    seen.insert(values.data_ptr<float>(), values.data_ptr<float>() + values.numel());
  }
  EXPECT_EQ(seen.size(), 8u * 15u);
}

TEST(NoiseFromStreams, GivesAnImageItsNoiseWhateverTheBatch) {
  const NoiseSource together = noise_from_streams(streams({0, 1, 2}), image_shape);
  const NoiseSource alone = noise_from_streams(streams({2}), image_shape);
  EXPECT_TRUE(at::equal(together(4)[2], alone(4)[0]));
}

TEST(NoiseFromStreams, RefusesWhatIsNoBatchOfImages) {
  expect_error([] { noise_from_streams({}, image_shape); }, {"at least one"});
  expect_error([] { noise_from_streams(streams({0}), {2, 3}); }, {"[2, 3]"});
  expect_error([] { noise_from_streams(streams({0}), {2, 0, 3}); }, {"[2, 0, 3]"});
  expect_error([] { noise_from_streams(streams({0}), image_shape)(-1); }, {"got -1"});
}

struct NamedSampler {
  std::string name;
  std::shared_ptr<Sampler> sampler;
};

class EverySampler : public ::testing::TestWithParam<NamedSampler> {
 protected:
  Tensor run(const ReverseProcess& p_theta, const std::vector<std::uint64_t>& indices) const {
    return GetParam().sampler->run(p_theta.q(), toy_denoiser(p_theta),
                                   noise_from_streams(streams(indices), image_shape));
  }
};

// Vector and scalar code may round the cosines and exponentials of an element differently.
bool equal_up_to_rounding(const Tensor& a, const Tensor& b) { return at::allclose(a, b, 1e-5, 1e-6); }

TEST_P(EverySampler, GivesTheSameImagesHoweverTheBatchIsSplit) {
  const ReverseProcess p_theta = toy_process(12);
  const Tensor whole = run(p_theta, {0, 1, 2, 3, 4});
  EXPECT_TRUE(equal_up_to_rounding(whole, at::cat({run(p_theta, {0, 1}), run(p_theta, {2, 3, 4})})));
  for (std::uint64_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(equal_up_to_rounding(whole.narrow(0, static_cast<std::int64_t>(i), 1), run(p_theta, {i})));
  }
  EXPECT_FALSE(at::allclose(whole[0], whole[1]));
}

TEST_P(EverySampler, FollowsAPermutationOfTheBatch) {
  const ReverseProcess p_theta = toy_process(12);
  const Tensor images = run(p_theta, {0, 1, 2});
  const Tensor order = at::tensor({2, 0, 1}, at::kLong);
  EXPECT_TRUE(equal_up_to_rounding(run(p_theta, {2, 0, 1}), images.index_select(0, order)));
}

TEST_P(EverySampler, CanBeWatchedStepByStep) {
  const ReverseProcess p_theta = toy_process(40).respaced("6");
  const NoiseSource noise = noise_from_streams(streams({0, 1}), image_shape);
  SamplingSteps steps = GetParam().sampler->watch(p_theta.q(), toy_denoiser(p_theta), noise);
  EXPECT_EQ(steps.steps(), 6);
  std::int64_t seen = 0;
  Tensor last, last_x_0;
  for (const SamplingState& state : steps) {
    ++seen;
    EXPECT_EQ(state.step, seen);
    EXPECT_EQ(state.t, 6 - seen);
    EXPECT_EQ(state.x.sizes(), (std::vector<std::int64_t>{2, 2, 3, 5}));
    EXPECT_LE(state.x_0.abs().max().item<double>(), 1.0);
    last = state.x;
    last_x_0 = state.x_0;
  }
  EXPECT_EQ(seen, 6);
  EXPECT_TRUE(at::equal(last, GetParam().sampler->run(p_theta.q(), toy_denoiser(p_theta), noise)));
  EXPECT_TRUE(at::allclose(last, last_x_0, 1e-5, 1e-6)) << "no noise is left after the last step";
}

TEST_P(EverySampler, OutlivesWhatItWasStartedFrom) {
  auto p_theta = std::make_unique<ReverseProcess>(toy_process(40).respaced("3"));
  SamplingSteps steps =
      GetParam().sampler->watch(p_theta->q(), toy_denoiser(*p_theta), noise_from_streams(streams({0}), image_shape));
  p_theta.reset();
  std::int64_t count = 0;
  for (const SamplingState& state : steps) count += state.x.defined() ? 1 : 0;
  EXPECT_EQ(count, 3);
}

TEST_P(EverySampler, BeginsAtAGivenLatent) {
  const ReverseProcess p_theta = toy_process(12);
  const NoiseSource noise = noise_from_streams(streams({0, 1}), image_shape);
  std::unique_ptr<SamplingRun> sampling =
      GetParam().sampler->start(p_theta.q(), toy_denoiser(p_theta), noise(0), noise);
  Tensor x;
  while (const auto state = sampling->next()) x = state->x;
  EXPECT_FALSE(sampling->next().has_value());
  EXPECT_TRUE(at::equal(x, GetParam().sampler->run(p_theta.q(), toy_denoiser(p_theta), noise)));
}

TEST_P(EverySampler, DrawsOneImagePerSeed) {
  const ReverseProcess p_theta = toy_process(6);
  const Tensor images =
      GetParam().sampler->run(p_theta.q(), toy_denoiser(p_theta), {.seeds = {5, 9}, .image_shape = image_shape});
  const Tensor ninth =
      GetParam().sampler->run(p_theta.q(), toy_denoiser(p_theta), noise_from_streams(streams({0}, 9), image_shape));
  EXPECT_TRUE(equal_up_to_rounding(images.narrow(0, 1, 1), ninth));
  const Network network = toy_network(Variance::learned_range);
  EXPECT_TRUE(
      at::equal(GetParam().sampler->run(p_theta, network, {.seeds = {5, 9}, .image_shape = image_shape}), images));
  expect_error(
      [&] { GetParam().sampler->run(p_theta.q(), toy_denoiser(p_theta), {.seeds = {}, .image_shape = image_shape}); },
      {"none"});
}

TEST_P(EverySampler, KeepsNoGradients) {
  const Tensor scale = at::full({}, 0.7).set_requires_grad(true);
  const ReverseProcess p_theta = toy_process(4, Variance::fixed_small);
  const Denoiser denoiser = p_theta.denoiser([scale](const Tensor& x, const Tensor&) { return scale * x; });
  const NoiseSource noise = noise_from_streams(streams({0}), image_shape);
  EXPECT_FALSE(GetParam().sampler->run(p_theta.q(), denoiser, noise).requires_grad());
  EXPECT_TRUE(at::GradMode::is_enabled());
}

TEST_P(EverySampler, GivesFiniteImagesFromShortProcessesOfEveryKind) {
  for (std::int64_t steps : {1, 2, 3}) {
    for (const NoiseSchedule& schedule : {linear_schedule({.steps = steps}), cosine_schedule({.steps = steps})}) {
      for (Mean mean : {Mean::epsilon, Mean::x_0, Mean::previous_x, Mean::velocity}) {
        for (Variance variance :
             {Variance::fixed_small, Variance::fixed_large, Variance::learned, Variance::learned_range}) {
          for (bool clip : {true, false}) {
            const ReverseProcess p_theta(ForwardProcess(schedule),
                                         {.mean = mean, .variance = variance, .clip_x_0 = clip});
            EXPECT_TRUE(at::isfinite(run(p_theta, {0, 1})).all().item<bool>()) << "T = " << steps;
          }
        }
      }
    }
  }
}

TEST_P(EverySampler, GivesFiniteImagesFromLongProcessesMadeShort) {
  for (const char* specification : {"1", "2", "ddim2", "3"}) {
    const Tensor images = run(toy_process(4000).respaced(specification), {0, 1});
    EXPECT_TRUE(at::isfinite(images).all().item<bool>()) << specification;
  }
}

TEST_P(EverySampler, RefusesALatentThatIsNoBatchOfImages) {
  const NoiseSource noise = noise_from_streams(streams({0}), image_shape);
  const ReverseProcess p_theta = toy_process(4);
  const auto start = [&](const Tensor& x_T) {
    GetParam().sampler->start(p_theta.q(), toy_denoiser(p_theta), x_T, noise);
  };
  expect_error([&] { start(at::zeros({2, 3})); }, {"[2, 3]"});
  expect_error([&] { start(Tensor()); }, {"none"});
}

// All of the table, and those that know an eta once more with it.
std::vector<NamedSampler> every_sampler() {
  std::vector<NamedSampler> all;
  for (const std::string& name : sampler_names()) all.push_back({name, make_sampler(name)});
  for (const std::string& name : samplers_with("eta"))
    all.push_back({name + "_eta_half", make_sampler(name, {.eta = 0.5})});
  for (const std::string& name : samplers_with("churn"))
    all.push_back({name + "_churn", make_sampler(name, {.churn = 5.0})});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Samplers, EverySampler, ::testing::ValuesIn(every_sampler()), [](const auto& test) {
  std::string name = test.param.name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

}  // namespace
}  // namespace iddpm
