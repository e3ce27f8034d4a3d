#include <gtest/gtest.h>

#include "iddpm/io/pytorch_checkpoint.h"
#include "tests/golden_case.h"

namespace iddpm {
namespace {

/// Checkpoints are named after the network case whose weights they hold: checkpoint_0_improved.pt,
/// network_0_improved.safetensors.
TEST(ParityPytorchCheckpoint, HoldsTheWeightsByRecipe) {
  for (const auto& entry : std::filesystem::directory_iterator(golden_directory())) {
    const std::string name = entry.path().stem().string();
    const std::string prefix = "checkpoint_";
    if (entry.path().extension() != ".pt" || !name.starts_with(prefix)) continue;
    SCOPED_TRACE(entry.path().filename().string());
    std::string case_name = "network_" + name.substr(prefix.size());
    if (const auto suffix = case_name.rfind("_legacy"); suffix != std::string::npos) case_name.resize(suffix);
    const GoldenCase golden(golden_directory() / (case_name + ".safetensors"));
    const auto& weights = golden.settings.at("weights");

    const NamedTensors tensors = read_pytorch_checkpoint(entry.path());
    ASSERT_EQ(tensors.size(), weights.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      EXPECT_EQ(tensors[i].first, weights[i].at("name").get<std::string>());
      EXPECT_TRUE(all_close(tensors[i].second, recipe_weight(weights[i]), 0.0, 0.0)) << tensors[i].first;
    }
  }
}

}  // namespace
}  // namespace iddpm
