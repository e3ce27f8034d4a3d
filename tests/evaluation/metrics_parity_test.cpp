#include <gtest/gtest.h>

#include <cmath>

#include "iddpm/evaluation/metrics/density_coverage.h"
#include "iddpm/evaluation/metrics/frechet_distance.h"
#include "iddpm/evaluation/metrics/inception_score.h"
#include "iddpm/evaluation/metrics/kernel_distance.h"
#include "iddpm/evaluation/metrics/precision_recall.h"
#include "tests/golden_case.h"

namespace iddpm {
namespace {

constexpr double tolerance = 1e-6;

void expect_golden(const GoldenCase& golden, const std::string& name, double value) {
  const double expected = golden[name].item<double>();
  EXPECT_NEAR(value, expected, tolerance * std::abs(expected)) << name;
}

TEST(ParityMetrics, AgreeWithTheReferenceOnGivenFeatures) {
  for (const GoldenCase& golden : golden_cases("metrics")) {
    SCOPED_TRACE(golden.name());
    const Tensor real = golden["real"];
    const Tensor fake = golden["fake"];
    const FeatureMoments moments = feature_moments(real);
    expect_golden(golden, "frechet_distance", frechet_distance(moments, feature_moments(fake)));
    expect_golden(golden, "frechet_few", frechet_distance(moments, feature_moments(golden["few"])));
    expect_golden(golden, "kid", kernel_distance(real, fake));
    expect_golden(golden, "inception_score", inception_score(golden["probabilities"]).mean);
    for (const std::int64_t k : {3, 5}) {
      const std::string suffix = "_k" + std::to_string(k);
      if (!golden.contains("precision" + suffix)) continue;
      // Blocks smaller than the sets, so that they take part.
      const auto manifold = precision_recall(real, fake, {.k = k, .pairs = {.block = 128}});
      const auto balls = density_coverage(real, fake, {.k = k, .pairs = {.block = 128}});
      expect_golden(golden, "precision" + suffix, manifold.precision);
      expect_golden(golden, "recall" + suffix, manifold.recall);
      expect_golden(golden, "density" + suffix, balls.density);
      expect_golden(golden, "coverage" + suffix, balls.coverage);
    }
  }
}

}  // namespace
}  // namespace iddpm
