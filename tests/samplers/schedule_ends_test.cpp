// Every sampler of the table on every kind of schedule, with data whose distribution is known.

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "iddpm/samplers/ddim.h"
#include "iddpm/samplers/euler.h"
#include "iddpm/samplers/euler_ancestral.h"
#include "iddpm/samplers/heun.h"
#include "iddpm/samplers/registry.h"
#include "tests/samplers/toy_process.h"

namespace iddpm {
namespace {

struct NamedSchedule {
  std::string name;
  NoiseSchedule schedule;
};

std::vector<NamedSchedule> schedules() {
  return {{"linear", linear_schedule({.steps = 1000})},
          {"cosine", cosine_schedule({.steps = 1000})},
          {"linear, zero SNR", zero_terminal_snr(linear_schedule({.steps = 1000}))},
          {"cosine, zero SNR", zero_terminal_snr(cosine_schedule({.steps = 1000}))}};
}

ForwardProcess shortened(const NoiseSchedule& schedule, const std::string& specification) {
  return ForwardProcess(respaced_schedule(schedule, respaced_timesteps(schedule, specification)));
}

// Float64 noise, a stream of which belongs to each of the images.
NoiseSource noise_of(std::int64_t images, std::int64_t side) {
  std::vector<RandomStream> streams;
  for (std::int64_t i = 0; i < images; ++i) streams.emplace_back(11, StreamPurpose::sampling, i);
  return [noise = noise_from_streams(std::move(streams), {1, side, side})](std::int64_t draw) {
    return noise(draw).to(at::kDouble);
  };
}

// Counts what it is asked.
Denoiser counted(Denoiser denoiser, std::int64_t& count) {
  return [denoiser = std::move(denoiser), &count](const Tensor& x, const Tensor& t) {
    ++count;
    return denoiser(x, t);
  };
}

TEST(ScheduleEnds, EverySamplerGivesFiniteImagesInOneToFiftySteps) {
  const GaussianData data;
  const NoiseSource noise = noise_of(1, 2);
  const std::array spacings = {"linspace", "trailing", "karras"};
  std::int64_t first = 0;
  for (const auto& [name, schedule] : schedules()) {
    // All of 1 to 12, and from there every fourth, another of the four for each schedule.
    for (std::int64_t steps = 1; steps <= 50; steps += steps < 12 ? 1 : steps == 12 ? ++first : 4) {
      const std::string spacing = fmt::format("{}{}", spacings[static_cast<std::size_t>(steps % 3)], steps);
      const ForwardProcess q = shortened(schedule, spacing);
      ASSERT_EQ(q.steps(), steps);
      for (const SamplerEntry& entry : samplers()) {
        const auto sampler = entry.make({});
        const Denoiser denoiser =
            entry.name == "ancestral" ? data.denoiser(q) : data.denoiser(noise_levels(q.schedule()));
        std::int64_t count = 0;
        const Tensor x = sampler->run(q, counted(denoiser, count), noise);
        ASSERT_TRUE(at::isfinite(x).all().item<bool>()) << entry.name << ", " << name << ", " << spacing;
        ASSERT_LT(x.abs().max().item<double>(), 10.0) << entry.name << ", " << name << ", " << spacing;
        ASSERT_EQ(count, sampler->evaluations(q)) << entry.name << ", " << name << ", " << spacing;
      }
    }
  }
}

TEST(ScheduleEnds, EverySamplerGivesTheDistributionOfTheData) {
  const GaussianData data;
  const NoiseSource noise = noise_of(4, 32);
  for (const auto& [name, schedule] : schedules()) {
    for (const SamplerEntry& entry : samplers()) {
      // Of first order: in 50 steps the deviation is still up to 0.06 too small.
      const bool slow = std::set<std::string>{"ancestral", "ddim", "euler", "euler-ancestral"}.count(entry.name) > 0;
      for (const std::string& spacing :
           slow ? std::vector<std::string>{"trailing300"} : std::vector<std::string>{"trailing50", "karras50"}) {
        const ForwardProcess q = shortened(schedule, spacing);
        const Denoiser denoiser =
            entry.name == "ancestral" ? data.denoiser(q) : data.denoiser(noise_levels(q.schedule()));
        const Tensor x = entry.make({})->run(q, denoiser, noise);
        EXPECT_NEAR(x.mean().item<double>(), data.mean, 0.03) << entry.name << ", " << name << ", " << spacing;
        EXPECT_NEAR(x.std().item<double>(), data.deviation, 0.03) << entry.name << ", " << name << ", " << spacing;
      }
    }
  }
}

TEST(ScheduleEnds, EachImageFollowsItsPathWithoutNoise) {
  const GaussianData data;
  const NoiseSource noise = noise_of(1, 8);
  for (const auto& [name, schedule] : schedules()) {
    const ForwardProcess q = shortened(schedule, "logsnr40");
    const NoiseLevel first = noise_levels(q.schedule()).front();
    const Tensor z =
        (noise(0) - first.alpha * data.mean) / (data.on_path(at::ones({}), first) - first.alpha * data.mean);
    const Tensor end = data.on_path(z, {});
    for (const char* sampler : {"dpm++", "unipc", "deis", "ipndm", "heun"}) {
      const Tensor x = make_sampler(sampler)->run(q, data.denoiser(q), noise);
      EXPECT_LT((x - end).abs().max().item<double>(), 0.02) << sampler << ", " << name;
    }
  }
}

TEST(ScheduleEnds, OneStepGivesThePredictedImageItself) {
  const GaussianData data;
  const NoiseSource noise = noise_of(2, 4);
  for (const auto& [name, schedule] : schedules()) {
    const ForwardProcess q = shortened(schedule, "trailing1");
    const Tensor x_0 = data.denoiser(q)(noise(0), at::zeros({2}, at::kLong)).x_0;
    for (const SamplerEntry& entry : samplers()) {
      EXPECT_TRUE(at::allclose(entry.make({})->run(q, data.denoiser(q), noise), x_0)) << entry.name << ", " << name;
    }
  }
}

TEST(ScheduleEnds, EulerIsDdimAndEulerAncestralDdimWithItsNoise) {
  const GaussianData data;
  const NoiseSource noise = noise_of(2, 4);
  for (const auto& [name, schedule] : schedules()) {
    const ForwardProcess q = shortened(schedule, "20");
    const Denoiser denoiser = data.denoiser(q);
    EXPECT_TRUE(at::allclose(EulerSampler().run(q, denoiser, noise), DdimSampler().run(q, denoiser, noise))) << name;
    for (const double eta : {0.0, 0.6, 1.0}) {
      EXPECT_TRUE(at::allclose(EulerAncestralSampler({.eta = eta}).run(q, denoiser, noise),
                               DdimSampler({.eta = eta}).run(q, denoiser, noise), 1e-5, 1e-6))
          << name << ", eta " << eta;
    }
  }
}

TEST(Churn, KeepsTheDistributionOfTheData) {
  const GaussianData data;
  const NoiseSource noise = noise_of(4, 32);
  for (const auto& [name, schedule] : schedules()) {
    const ForwardProcess q = shortened(schedule, "karras80");
    const Denoiser denoiser = data.denoiser(noise_levels(q.schedule()));
    const Tensor plain = HeunSampler().run(q, denoiser, noise);
    const Tensor x = HeunSampler({.churn = {.amount = 30.0}}).run(q, denoiser, noise);
    EXPECT_FALSE(at::allclose(x, plain, 0.0, 0.1)) << name;
    EXPECT_NEAR(x.mean().item<double>(), data.mean, 0.03) << name;
    EXPECT_NEAR(x.std().item<double>(), data.deviation, 0.03) << name;
  }
}

TEST(Churn, AddsNoiseWithinItsLevelsOnly) {
  const GaussianData data;
  const NoiseSource noise = noise_of(1, 4);
  const ForwardProcess q = shortened(schedules()[1].schedule, "karras80");
  const Denoiser denoiser = data.denoiser(noise_levels(q.schedule()));
  for (const char* sampler : {"euler", "heun"}) {
    const auto run = [&](const SamplerOptions& options) {
      return make_sampler(sampler, options)->run(q, denoiser, noise);
    };
    EXPECT_FALSE(at::allclose(run({.churn = 30.0}), run({}))) << sampler;
    EXPECT_FALSE(at::allclose(run({.churn = 30.0}), run({.churn = 30.0, .churn_min = 0.5}))) << sampler;
    EXPECT_FALSE(at::allclose(run({.churn = 30.0}), run({.churn = 30.0, .churn_noise = 0.9}))) << sampler;
    EXPECT_TRUE(at::equal(run({.churn = 30.0, .churn_max = 0.001}), run({}))) << sampler;
    EXPECT_TRUE(at::equal(run({.churn = 0.0}), run({}))) << sampler;
  }
}

TEST(Heun, CostsTwoEvaluationsAStepButTheLast) {
  const ForwardProcess linear = shortened(schedules()[0].schedule, "trailing10");
  EXPECT_EQ(HeunSampler().evaluations(linear), 19);
  EXPECT_EQ(DdimSampler().evaluations(linear), 10);
  // The step from a cosine's end, where sigma / alpha is 20,000, is of first order; so is that from no signal at all.
  // With hardly any steps all are.
  EXPECT_EQ(HeunSampler().evaluations(shortened(schedules()[0].schedule, "linspace2")), 2);
  EXPECT_EQ(HeunSampler().evaluations(shortened(schedules()[1].schedule, "trailing10")), 18);
  EXPECT_EQ(HeunSampler().evaluations(shortened(schedules()[2].schedule, "trailing10")), 18);
}

}  // namespace
}  // namespace iddpm
