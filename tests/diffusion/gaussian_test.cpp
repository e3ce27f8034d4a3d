#include "iddpm/diffusion/gaussian.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/expect_error.h"

namespace iddpm {
namespace {

Tensor scalar(double value) { return at::full({1}, value, at::kDouble); }

TEST(GaussianKl, IsZeroBetweenEqualsOnly) {
  EXPECT_EQ(gaussian_kl(scalar(0.3), scalar(-1.0), scalar(0.3), scalar(-1.0)).item<double>(), 0.0);
  EXPECT_GT(gaussian_kl(scalar(0.3), scalar(-1.0), scalar(0.4), scalar(-1.0)).item<double>(), 0.0);
  EXPECT_GT(gaussian_kl(scalar(0.3), scalar(-1.0), scalar(0.3), scalar(-1.1)).item<double>(), 0.0);
}

TEST(GaussianKl, IsTheIntegralItStandsFor) {
  const double mean_1 = 0.2, log_variance_1 = -0.5, mean_2 = -0.4, log_variance_2 = 0.3;
  const auto log_density = [](double x, double mean, double log_variance) {
    return -0.5 * ((x - mean) * (x - mean) / std::exp(log_variance) + log_variance + std::log(2.0 * std::acos(-1.0)));
  };
  double integral = 0.0;
  constexpr double width = 1e-3;
  for (double x = -12.0; x < 12.0; x += width) {
    const double p = log_density(x, mean_1, log_variance_1);
    integral += std::exp(p) * (p - log_density(x, mean_2, log_variance_2)) * width;
  }
  EXPECT_NEAR(
      gaussian_kl(scalar(mean_1), scalar(log_variance_1), scalar(mean_2), scalar(log_variance_2)).item<double>(),
      integral, 1e-8);
}

Tensor all_values() { return at::arange(256, at::kDouble) / 127.5 - 1.0; }

TEST(DiscretizedLogLikelihood, IsADistributionOverThe256Values) {
  const Tensor values = all_values();
  for (double mean : {-1.3, -0.5, 0.0, 0.99}) {
    for (double log_scale : {-5.0, -2.0, 0.5}) {
      const Tensor log_likelihood =
          discretized_gaussian_log_likelihood(values, at::full_like(values, mean), at::full_like(values, log_scale));
      EXPECT_NEAR(at::exp(log_likelihood).sum().item<double>(), 1.0, 1e-8) << mean << " " << log_scale;
    }
  }
}

TEST(DiscretizedLogLikelihood, ApproximatesTheGaussiansMassOnABin) {
  const auto cdf = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  const double x = 10.0 / 127.5 - 1.0, mean = -0.8, scale = 0.2;
  const double mass = cdf((x + 1.0 / 255.0 - mean) / scale) - cdf((x - 1.0 / 255.0 - mean) / scale);
  EXPECT_NEAR(
      std::exp(discretized_gaussian_log_likelihood(scalar(x), scalar(mean), scalar(std::log(scale))).item<double>()),
      mass, 0.01 * mass);
}

TEST(DiscretizedLogLikelihood, IsFiniteHoweverFarTheMean) {
  const Tensor values = all_values().to(at::kFloat);
  const Tensor mean = at::full_like(values, 5.0).set_requires_grad(true);
  const Tensor log_likelihood = discretized_gaussian_log_likelihood(values, mean, at::full_like(values, -8.0));
  EXPECT_TRUE(at::isfinite(log_likelihood).all().item<bool>());
  log_likelihood.sum().backward();
  EXPECT_TRUE(at::isfinite(mean.grad()).all().item<bool>());
}

TEST(MeanPerImage, AveragesAllButTheFirstDimension) {
  const Tensor x = at::arange(12, at::kDouble).view({2, 3, 2, 1});
  EXPECT_TRUE(at::equal(mean_per_image(x), at::tensor({2.5, 8.5}, at::kDouble)));
  expect_error([] { mean_per_image(at::zeros({3})); }, {"[3]"});
}

}  // namespace
}  // namespace iddpm
