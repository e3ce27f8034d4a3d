#include <gtest/gtest.h>

#include "iddpm/samplers/ancestral.h"
#include "iddpm/samplers/ddim.h"
#include "iddpm/samplers/dpm_solver.h"
#include "iddpm/samplers/euler.h"
#include "iddpm/samplers/euler_ancestral.h"
#include "iddpm/samplers/heun.h"
#include "iddpm/samplers/unipc.h"
#include "tests/samplers/diffusers_case.h"

namespace iddpm {
namespace {

Tensor timesteps_of(const Tensor& x, std::int64_t t) { return at::full({x.size(0)}, t, at::kLong); }

// x after every step.
using Trajectory = std::vector<Tensor>;

Trajectory states_of(SamplingRun& run) {
  Trajectory states;
  while (const auto state = run.next()) states.push_back(state->x);
  return states;
}

Trajectory ddpm(const DiffusersCase& golden, const Tensor& x_T) {
  const bool thresholding = golden.flag("thresholding");
  std::vector<std::int64_t> ascending = golden.spaced();
  std::reverse(ascending.begin(), ascending.end());
  const ReverseProcess p_theta =
      ReverseProcess(ForwardProcess(golden.schedule()), {.mean = golden.mean(),
                                                         .variance = golden.variance(),
                                                         .clip_x_0 = golden.flag("clip_sample") && !thresholding,
                                                         .rescale_timesteps = false})
          .respaced(ascending);
  Denoiser denoiser = p_theta.denoiser([&](const Tensor& x, const Tensor& t) { return golden.network(x, t); });
  if (thresholding) {
    denoiser = [&golden, &p_theta, plain = denoiser](const Tensor& x, const Tensor& t) {
      Prediction prediction = plain(x, t);
      prediction.x_0 = golden.limited(prediction.x_0);
      prediction.mean = p_theta.q().posterior(prediction.x_0, x, t).mean;
      return prediction;
    };
  }
  Trajectory states = states_of(*AncestralSampler().start(p_theta.q(), denoiser, x_T, golden.noise_source(x_T)));
  // diffusers adds noise even after the last step if that isn't at t = 0.
  const std::int64_t last = golden.steps() - 1;
  if (golden.draws_in(last)) {
    const Tensor x = last > 0 ? states[static_cast<std::size_t>(last - 1)] : x_T;
    const double log_beta = std::log(p_theta.q().schedule().beta[0]);
    const double log_smallest = std::log(1e-20);
    Tensor log_variance =
        at::full({}, golden.variance() == Variance::fixed_large ? log_beta : log_smallest, at::kDouble);
    if (golden.variance() == Variance::learned_range) {
      const Tensor v = (golden.network(x, timesteps_of(x, ascending[0])).narrow(1, 3, 3) + 1.0) / 2.0;
      log_variance = v * log_beta + (1.0 - v) * log_smallest;
    }
    states.back() = states.back() + (at::exp(0.5 * log_variance) * golden.noise(last, x)).to(x.scalar_type());
  }
  return states;
}

// diffusers' DDIM steps back by T div n whatever the spacing, so that each step is a process of its own; and its
// epsilon is the network's even if x_0 is clipped.
Trajectory ddim(const DiffusersCase& golden, const Tensor& x_T) {
  Trajectory states;
  Tensor x = x_T;
  const auto& alpha_bar = golden.schedule().alpha_bar;
  for (const std::int64_t t : golden.spaced()) {
    const std::int64_t before = t - golden.original_steps() / golden.steps();
    const double previous = before >= 0                       ? alpha_bar[static_cast<std::size_t>(before)]
                            : golden.flag("set_alpha_to_one") ? 1.0
                                                              : alpha_bar[0];
    const double present = alpha_bar[static_cast<std::size_t>(t)];
    const bool to_the_end = previous == 1.0;
    const ReverseProcess step(
        ForwardProcess(NoiseSchedule(to_the_end ? std::vector<double>{1.0 - present}
                                                : std::vector<double>{1.0 - previous, 1.0 - present / previous})),
        {.mean = golden.mean(), .variance = Variance::fixed_small, .clip_x_0 = false});
    const Tensor place = timesteps_of(x, to_the_end ? 0 : 1);
    const Tensor x_0 = step.prediction_from_output(golden.network(x, timesteps_of(x, t)), x, place).x_0;
    const Tensor epsilon = step.q().noise_from_x_0(x, place, x_0);
    const Tensor noise = golden.eta() > 0.0 ? golden.noise(static_cast<std::int64_t>(states.size()), x) : Tensor();
    x = ddim_step(step.q(), golden.limited(x_0), epsilon, place, noise, golden.eta());
    states.push_back(x);
  }
  return states;
}

std::unique_ptr<LevelSampler> level_sampler(const DiffusersCase& golden) {
  const std::string name = golden.scheduler();
  if (name == "DPMSolverMultistepScheduler") {
    return std::make_unique<DpmSolverSampler>(
        DpmSolverOptions{.order = golden.order(),
                         .stochastic = golden.text("algorithm_type") == "sde-dpmsolver++",
                         .heun = golden.text("solver_type") == "heun"});
  }
  if (name == "UniPCMultistepScheduler") return std::make_unique<UniPcSampler>(UniPcOptions{.order = golden.order()});
  if (name == "HeunDiscreteScheduler") {
    return std::make_unique<HeunSampler>(HeunOptions{.greatest_fall = std::numeric_limits<double>::infinity()});
  }
  if (name == "EulerDiscreteScheduler") return std::make_unique<EulerSampler>();
  if (name == "EulerAncestralDiscreteScheduler") return std::make_unique<EulerAncestralSampler>();
  return nullptr;
}

bool in_units_of_data(const DiffusersCase& golden) { return golden.scheduler().find("Multistep") == std::string::npos; }

// Heun and Euler keep x / alpha.
Trajectory with_levels(const DiffusersCase& golden, const LevelSampler& sampler, const Tensor& x_T) {
  const DiffusersCase::Walk walk = golden.walk();
  std::vector<NoiseLevel> levels;
  for (const double sigma : walk.sigmas) levels.push_back(NoiseLevel::of_ratio(sigma));
  const Denoiser denoiser = [&](const Tensor& x, const Tensor& t) {
    const auto k = static_cast<std::size_t>(golden.steps() - 1 - t[0].item<std::int64_t>());
    const NoiseLevel& level = levels[k];
    const Tensor output = golden.network(x, at::full({x.size(0)}, walk.timesteps[k], at::kDouble));
    const Tensor x_0 = golden.mean() == Mean::epsilon ? (x - level.sigma * output) / level.alpha
                       : golden.mean() == Mean::x_0   ? output
                                                      : level.alpha * x - level.sigma * output;
    return Prediction{.mean = {}, .variance = {}, .log_variance = {}, .x_0 = golden.limited(x_0)};
  };
  const bool divided = in_units_of_data(golden);
  const Tensor x = divided ? x_T * levels[0].alpha : x_T;
  Trajectory states = states_of(*sampler.start(levels, denoiser, x, golden.noise_source(x)));
  for (std::size_t k = 0; divided && k < states.size(); ++k) states[k] = states[k] / levels[k + 1].alpha;
  return states;
}

Trajectory run(const DiffusersCase& golden, const Tensor& x_T) {
  const at::NoGradGuard no_gradient;
  if (golden.scheduler() == "DDPMScheduler") return ddpm(golden, x_T);
  if (golden.scheduler() == "DDIMScheduler") return ddim(golden, x_T);
  const auto sampler = level_sampler(golden);
  require(sampler != nullptr, "a golden case of an unknown scheduler, {}", golden.scheduler());
  return with_levels(golden, *sampler, x_T);
}

::testing::AssertionResult close_to_scale(const Tensor& actual, const Tensor& expected, double tolerance) {
  return all_close(actual, expected, tolerance * expected.abs().max().item<double>(), 0.0);
}

TEST(ParityScheduler, WholeRunsAreThoseOfDiffusers) {
  const auto cases = golden_cases("scheduler");
  if (cases.empty()) GTEST_SKIP() << "no such case in " << golden_directory();
  for (const GoldenCase& file : cases) {
    SCOPED_TRACE(file.name());
    const DiffusersCase golden(file);
    EXPECT_TRUE(close_to_scale(run(golden, file["x_T"].to(at::kDouble)).back(), file["x_0_f64"], 1e-9));
    const Trajectory states = run(golden, file["x_T"]);
    ASSERT_EQ(static_cast<std::int64_t>(states.size()), golden.steps());
    EXPECT_EQ(states.back().scalar_type(), at::kFloat);
    EXPECT_TRUE(close_to_scale(states.back(), file["x_0_f64"], 1e-5));
    EXPECT_TRUE(close_to_scale(states.back(), file["x_0"], 5e-4));
    const Tensor expected = file["x"];
    const bool heun = golden.scheduler() == "HeunDiscreteScheduler";  // which notes x after each of two evaluations
    for (std::int64_t k = 0; k < golden.steps(); ++k) {
      const std::int64_t place = heun ? std::min(2 * k + 1, expected.size(0) - 1) : k;
      EXPECT_TRUE(close_to_scale(states[static_cast<std::size_t>(k)], expected[place], 5e-4)) << "step " << k;
    }
  }
}

TEST(ParityScheduler, TimestepsAndNoiseLevelsAreThoseOfDiffusers) {
  const auto cases = golden_cases("scheduler");
  if (cases.empty()) GTEST_SKIP() << "no such case in " << golden_directory();
  for (const GoldenCase& file : cases) {
    SCOPED_TRACE(file.name());
    const DiffusersCase golden(file);
    const bool fractional = file["timesteps"].scalar_type() == at::kDouble;
    // Heun's come twice, but the first and the last.
    const std::int64_t every = golden.scheduler() == "HeunDiscreteScheduler" ? 2 : 1;
    const auto once = [&](const Tensor& values) { return values.slice(0, 0, values.size(0), every); };
    if (file.contains("sigmas_f64")) {
      const DiffusersCase::Walk walk = golden.walk();
      const Tensor timesteps = to_tensor(walk.timesteps);
      if (fractional) {
        EXPECT_TRUE(all_close(timesteps, once(file["timesteps"]), 1e-2, 0.0));
        EXPECT_TRUE(all_close(timesteps, once(file["timesteps_f64"]), 0.0, 1e-9));
      } else {
        EXPECT_TRUE(at::equal(timesteps.to(at::kLong), once(file["timesteps"])));
      }
      Tensor sigmas = file["sigmas_f64"];
      if (every == 2) sigmas = at::cat({sigmas.slice(0, 0, 1), sigmas.slice(0, 1, sigmas.size(0), 2)});
      EXPECT_TRUE(all_close(to_tensor(walk.sigmas), sigmas, 0.0, 1e-12));
    } else {
      EXPECT_TRUE(at::equal(at::tensor(at::ArrayRef<std::int64_t>(golden.spaced())), file["timesteps"]));
    }
  }
}

}  // namespace
}  // namespace iddpm
