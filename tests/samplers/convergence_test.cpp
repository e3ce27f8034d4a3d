// How fast the solvers' errors fall as steps get smaller, on data whose paths are known in closed form.

#include <gtest/gtest.h>

#include <algorithm>

#include "iddpm/samplers/deis.h"
#include "iddpm/samplers/dpm_solver.h"
#include "iddpm/samplers/euler.h"
#include "iddpm/samplers/heun.h"
#include "iddpm/samplers/ipndm.h"
#include "iddpm/samplers/unipc.h"
#include "tests/samplers/toy_process.h"

namespace iddpm {
namespace {

constexpr double noisiest = 4.0, cleanest = 0.25;  // sigma / alpha

// `steps` steps of equal size in log(sigma / alpha), the first of them cut into ones that double from a size so small
// that the low order which a run has to begin with doesn't show.
std::vector<NoiseLevel> graded_levels(std::int64_t steps) {
  const double range = std::log(noisiest / cleanest);
  const double most = range / static_cast<double>(steps);
  std::vector<NoiseLevel> levels;
  double done = 0.0;
  for (double step = most * 1e-4; done < range * (1.0 - 1e-9); step = std::min(2.0 * step, most)) {
    levels.push_back(NoiseLevel::of_ratio(noisiest * std::exp(-done)));
    done += step;
  }
  levels.push_back(NoiseLevel::of_ratio(cleanest));
  return levels;
}

// Of equal size in sigma / alpha.
std::vector<NoiseLevel> equal_levels(std::int64_t steps) {
  std::vector<NoiseLevel> levels;
  for (std::int64_t k = 0; k <= steps; ++k) {
    levels.push_back(
        NoiseLevel::of_ratio(noisiest + (cleanest - noisiest) * static_cast<double>(k) / static_cast<double>(steps)));
  }
  return levels;
}

// The greatest on the way, before the last three steps, whose order is lowered on purpose.
double error_of(const LevelSampler& sampler, const std::vector<NoiseLevel>& levels) {
  const GaussianData data;
  const Tensor z = at::linspace(-2.0, 2.0, 5, at::kDouble).view({1, 1, 1, 5});
  const NoiseSource no_noise = [](std::int64_t) -> Tensor { throw std::logic_error("an ODE draws no noise"); };
  const auto run = sampler.start(levels, data.denoiser(levels), data.on_path(z, levels.front()), no_noise);
  double greatest = 0.0;
  for (std::size_t k = 1; k + 3 < levels.size(); ++k) {
    const Tensor error = run->next()->x - data.on_path(z, levels[k]);
    greatest = std::max(greatest, error.abs().max().item<double>());
  }
  return greatest;
}

// log2 of how much the error falls when steps are halved.
double observed_order(const LevelSampler& sampler, std::vector<NoiseLevel> (*levels)(std::int64_t)) {
  return std::log2(error_of(sampler, levels(40)) / error_of(sampler, levels(80)));
}

TEST(Convergence, DpmSolverFallsWithItsOrder) {
  for (const std::int64_t order : {1, 2}) {
    EXPECT_NEAR(observed_order(DpmSolverSampler({.order = order}), graded_levels), static_cast<double>(order), 0.2);
  }
  EXPECT_NEAR(observed_order(DpmSolverSampler({.order = 2, .heun = true}), graded_levels), 2.0, 0.2);
  // The third counts the second derivative half, as published: of little more than second order, with a smaller error.
  EXPECT_GT(observed_order(DpmSolverSampler({.order = 3}), graded_levels), 2.0);
  EXPECT_LT(3.0 * error_of(DpmSolverSampler({.order = 3}), graded_levels(40)),
            error_of(DpmSolverSampler({.order = 2}), graded_levels(40)));
}

TEST(Convergence, UniPcFallsWithItsOrderAndItsCorrectorLowersTheError) {
  for (const std::int64_t order : {1, 2, 3}) {
    const UniPcSampler unipc({.order = order});
    EXPECT_GT(observed_order(unipc, graded_levels), static_cast<double>(order) - 0.2);
    EXPECT_LT(error_of(unipc, graded_levels(40)), error_of(DpmSolverSampler({.order = order}), graded_levels(40)));
  }
}

TEST(Convergence, DeisFallsWithItsOrder) {
  for (const std::int64_t order : {1, 2, 3, 4}) {
    EXPECT_NEAR(observed_order(DeisSampler({.order = order}), graded_levels), static_cast<double>(order), 0.2);
  }
}

TEST(Convergence, HeunIsOfSecondAndEulerOfFirstOrder) {
  EXPECT_NEAR(observed_order(EulerSampler(), graded_levels), 1.0, 0.2);
  EXPECT_NEAR(observed_order(HeunSampler(), graded_levels), 2.0, 0.2);
}

TEST(Convergence, IpndmErrsTheLessTheHigherItsOrder) {
  double before = 1.0;
  for (const std::int64_t order : {1, 2, 3, 4}) {
    const double error = error_of(IpndmSampler({.order = order}), equal_levels(40));
    EXPECT_LT(error, 0.4 * before) << order;
    before = error;
  }
  EXPECT_GT(observed_order(IpndmSampler(), equal_levels), 2.5);
}

}  // namespace
}  // namespace iddpm
