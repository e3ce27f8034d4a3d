#include "iddpm/samplers/inpainting.h"

#include <gtest/gtest.h>

#include "iddpm/samplers/ancestral.h"
#include "iddpm/samplers/heun.h"
#include "iddpm/samplers/registry.h"
#include "tests/expect_error.h"
#include "tests/random_images.h"
#include "tests/samplers/toy_process.h"

namespace iddpm {
namespace {

using Way = std::vector<std::int64_t>;

NoiseSource noise_of_images(std::int64_t images, const std::vector<std::int64_t>& shape) {
  std::vector<RandomStream> streams;
  for (std::int64_t i = 0; i < images; ++i) {
    streams.emplace_back(3, StreamPurpose::sampling, static_cast<std::uint64_t>(i));
  }
  return noise_from_streams(std::move(streams), shape);
}

// The left half is drawn anew.
Tensor left_half(std::int64_t side) {
  const Tensor mask = at::zeros({side, side}, at::kBool);
  mask.narrow(1, 0, side / 2).fill_(true);
  return mask;
}

TEST(ResampledWay, UndoesEachStretchAsOftenAsAsked) {
  EXPECT_EQ(resampled_way(3, {.times = 1, .jump = 10}), (Way{3, 2, 1, 0}));
  EXPECT_EQ(resampled_way(3, {.times = 2, .jump = 1}), (Way{3, 2, 3, 2, 1, 2, 1, 0}));
  EXPECT_EQ(resampled_way(5, {.times = 3, .jump = 2}), (Way{5, 4, 3, 5, 4, 3, 5, 4, 3, 2, 1, 3, 2, 1, 3, 2, 1, 0}));
  EXPECT_EQ(resampled_way(3, {.times = 2, .jump = 10}), (Way{3, 2, 1, 3, 2, 1, 0})) << "all steps but the last";
  EXPECT_EQ(resampled_way(1, {.times = 5, .jump = 10}), (Way{1, 0})) << "one step has nothing to go back to";
  expect_error([] { resampled_way(3, {.times = 0}); }, {"at least once", "0"});
  expect_error([] { resampled_way(3, {.jump = 0}); }, {"at least 1 step", "0"});
}

TEST(Inpainting, KeepsTheKnownPixelsExactlyWithEverySamplerThatCanGoBack) {
  const ReverseProcess p_theta = toy_process(20);
  const Tensor known = 0.5 * random_noise({2, 1, 8, 8}, 5), mask = left_half(8);
  int able = 0;
  for (const SamplerEntry& entry : samplers()) {
    if (entry.multistep) continue;
    ++able;
    const InpaintingSampler sampler(make_sampler(entry.name), {.known = known, .anew = mask, .resampling = {2, 5}});
    const Tensor x = sampler.run(p_theta.q(), toy_denoiser(p_theta), noise_of_images(2, {1, 8, 8}));
    EXPECT_TRUE(at::equal(x.narrow(3, 4, 4), known.narrow(3, 4, 4))) << entry.name;
    EXPECT_FALSE(at::allclose(x.narrow(3, 0, 4), known.narrow(3, 0, 4))) << entry.name;
    EXPECT_TRUE(at::isfinite(x).all().item<bool>()) << entry.name;
  }
  EXPECT_EQ(able, 5) << "ancestral, ddim, heun, euler, euler-ancestral";
}

TEST(Inpainting, WithNothingKeptIsTheSamplerItself) {
  const ReverseProcess p_theta = toy_process(10);
  const Tensor all = at::ones({8, 8}, at::kBool);
  // A sampler without noise, since draws are numbered differently.
  const auto ddim = std::shared_ptr<const Sampler>(make_sampler("ddim"));
  const InpaintingSampler sampler(ddim, {.known = at::zeros({2, 1, 8, 8}), .anew = all, .resampling = {.times = 1}});
  EXPECT_TRUE(at::allclose(sampler.run(p_theta.q(), toy_denoiser(p_theta), noise_of_images(2, {1, 8, 8})),
                           ddim->run(p_theta.q(), toy_denoiser(p_theta), noise_of_images(2, {1, 8, 8})), 1e-5, 1e-6));
}

TEST(Inpainting, DrawsWhatIsUnknownAsTheDataAreGivenWhatIsKnown) {
  // Pairs of equal values of N(0, 0.5^2): what is drawn must be what is known beside it.
  const double variance = 0.25;
  const NoiseSchedule schedule = cosine_schedule({.steps = 100});
  const Network perfect = [&](const Tensor& x, const Tensor& t) {
    const Tensor alpha_bar = at_timesteps(schedule.alpha_bar, t, x);
    const Tensor sum = x.sum(3, true).expand_as(x);
    const Tensor x_0 = at::sqrt(alpha_bar) * variance * sum / (2.0 * alpha_bar * variance + 1.0 - alpha_bar);
    return (x - at::sqrt(alpha_bar) * x_0) / at::sqrt(1.0 - alpha_bar);
  };
  const ReverseProcess p_theta = gaussian_process(schedule);
  const Tensor known = 0.5 * random_noise({256, 1, 1, 2}, 8);
  const Tensor mask = at::tensor({1, 0}, at::kInt).to(at::kBool).view({1, 2});
  const auto error = [&](std::int64_t times) {
    const InpaintingSampler sampler(std::make_shared<AncestralSampler>(),
                                    {.known = known, .anew = mask, .resampling = {.times = times, .jump = 10}});
    const Tensor x = sampler.run(p_theta.q(), p_theta.denoiser(perfect), noise_of_images(256, {1, 1, 2}));
    return (x.select(3, 0) - known.select(3, 1)).square().mean().sqrt().item<double>();
  };
  const double once = error(1), often = error(10);
  EXPECT_LT(often, 0.8 * once) << "resampling brings the two together";
}

TEST(Inpainting, CountsTheEvaluationsOfEveryStepTaken) {
  const ReverseProcess p_theta = toy_process(12);
  const Tensor known = at::zeros({1, 1, 8, 8});
  for (const std::shared_ptr<const Sampler>& inner :
       {std::shared_ptr<const Sampler>(std::make_shared<AncestralSampler>()),
        std::shared_ptr<const Sampler>(std::make_shared<HeunSampler>(HeunOptions{}))}) {
    const InpaintingSampler sampler(inner, {.known = known, .anew = left_half(8), .resampling = {3, 4}});
    std::int64_t asked = 0;
    const Denoiser counted = [&, denoiser = toy_denoiser(p_theta)](const Tensor& x, const Timesteps& t) {
      ++asked;
      return denoiser(x, t);
    };
    auto steps = sampler.watch(p_theta.q(), counted, noise_of_images(1, {1, 8, 8}));
    std::int64_t done = 0;
    for (const SamplingState& state : steps) EXPECT_EQ(state.step, ++done);
    EXPECT_EQ(done, steps.steps());
    EXPECT_EQ(asked, sampler.evaluations(p_theta.q()));
  }
}

TEST(Inpainting, RefusesAMaskThatDoesNotFit) {
  const Tensor known = at::zeros({1, 1, 8, 8});
  const auto with = [&](const Tensor& mask) {
    return [=] { InpaintingSampler(std::make_shared<AncestralSampler>(), {.known = known, .anew = mask}); };
  };
  expect_error(with(at::ones({4, 4}, at::kBool)), {"mask", "[1, 1, 8, 8]", "[4, 4]"});
  expect_error(with(at::ones({8, 8})), {"bool mask"});
  expect_error(with(Tensor()), {"none"});
}

}  // namespace
}  // namespace iddpm
