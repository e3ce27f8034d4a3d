#include <gtest/gtest.h>

#include <string>

#include "iddpm/diffusion/settings.h"
#include "iddpm/evaluation/likelihood/bits_per_dimension.h"
#include "tests/golden_case.h"

namespace iddpm {
namespace {

// The network of the cases: eps = 0.9 x cos(t / 400), v = sin(5 x).
Network closed_form_network(Variance variance) {
  return [variance](const Tensor& x, const Tensor& t) {
    const Tensor epsilon = x * 0.9 * at::cos(t.to(x.dtype()).view({-1, 1, 1, 1}) / 400.0);
    const bool learned = variance == Variance::learned || variance == Variance::learned_range;
    return learned ? at::cat({epsilon, at::sin(x * 5.0)}, 1) : epsilon;
  };
}

TEST(ParityBitsPerDimension, AgreeWithTheReferenceOnGivenNoise) {
  for (const GoldenCase& golden : golden_cases("loop")) {
    if (!golden.contains("bpd_total_bpd")) continue;
    SCOPED_TRACE(golden.name());
    const auto& settings = golden.settings;
    const Variance variance = parse_variance(settings.at("variance").get<std::string>());
    const ReverseProcess p_theta = reverse_process({.schedule = settings.at("schedule").get<std::string>(),
                                                    .steps = settings.at("steps").get<std::int64_t>(),
                                                    .variance = variance,
                                                    .rescale_timesteps = settings.at("rescale_timesteps").get<bool>()})
                                       .respaced(settings.at("respacing").get<std::string>());
    const Tensor noises = golden["noises"];
    const BoundTerms bound = bound_terms(p_theta.q(), p_theta.denoiser(closed_form_network(variance)), golden["x_0"],
                                         [&](std::int64_t draw) { return noises[draw]; });

    constexpr double tolerance = 1e-5;
    EXPECT_TRUE(all_close(bound.total(), golden["bpd_total_bpd"], tolerance, tolerance));
    EXPECT_TRUE(all_close(bound.prior, golden["bpd_prior_bpd"], tolerance, tolerance));
    // The reference lists the terms in the order of its loop, from the last timestep to the first.
    EXPECT_TRUE(all_close(bound.terms.flip(1), golden["bpd_vb"], tolerance, tolerance));
    EXPECT_TRUE(all_close(bound.x_0_error.flip(1), golden["bpd_xstart_mse"], tolerance, tolerance));
    EXPECT_TRUE(all_close(bound.epsilon_error.flip(1), golden["bpd_mse"], tolerance, tolerance));
  }
}

}  // namespace
}  // namespace iddpm
