#include <gtest/gtest.h>

#include <string>

#include "iddpm/evaluation/features/inception_features.h"
#include "tests/golden_case.h"

namespace iddpm {
namespace {

void expect_golden(const GoldenCase& golden, const std::string& name, const Tensor& actual) {
  const Tensor expected = golden[name];
  const double deviation = expected.to(at::kDouble).std().item<double>();
  EXPECT_TRUE(all_close(actual, expected, 1e-3 * deviation, 0.0)) << name;
}

TEST(ParityInception, AgreesWithTheReferenceOnImagesOfEverySize) {
  for (const GoldenCase& golden : golden_cases("inception")) {
    SCOPED_TRACE(golden.name());
    NamedTensors weights;
    for (const auto& entry : golden.settings.at("weights")) {
      weights.emplace_back(entry.at("name").get<std::string>(), recipe_weight(entry));
    }
    const InceptionNetwork network(weights);
    for (const std::string& name : golden.file.names()) {
      if (!name.starts_with("images_")) continue;
      const std::string size = name.substr(std::string("images_").size());
      const Features features = network.features(golden[name]);
      expect_golden(golden, "pool3_" + size, features.pooled);
      expect_golden(golden, "spatial_" + size, features.spatial);
      expect_golden(golden, "probabilities_" + size, features.probabilities);
    }
  }
}

}  // namespace
}  // namespace iddpm
