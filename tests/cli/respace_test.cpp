// The best timesteps of a tiny model, measured and used.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/cli/program_test.h"
#include "tests/expect_error.h"

namespace iddpm::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Respace : public TinyRunTest {};

constexpr const char* table = "run/checkpoints/step_00000004.pairwise_bound.safetensors";

}  // namespace

TEST_F(Respace, WithoutATableOptimalStepsAreRefusedSayingHowToMeasureThem) {
  fs::remove(at(table));
  for (const std::string verb : {"sample run --count 1 --out none", "evaluate run --data images"}) {
    const std::string error = error_of(verb + " --steps optimal5");
    EXPECT_TRUE(contains(error, "'iddpm respace run/checkpoints/step_00000004.safetensors --data DATA --ema 0."))
        << error;
  }
  EXPECT_FALSE(fs::exists(at("none")));
  EXPECT_TRUE(contains(error_of("respace run"), "have not been measured"));
  EXPECT_TRUE(contains(error_of("sample run --steps optimal"), "such as optimal25"));
  EXPECT_TRUE(contains(error_of("respace run --count 3"), "--data"));
}

TEST_F(Respace, KeepsATableBesideTheCheckpointAndComparesWithEvenSpacing) {
  const std::string measuring = "respace run --data images/ --count 6 --precision float32 --threads 1";
  const json measured = json::parse(run(measuring + " --steps 1,5,20 --json"));
  EXPECT_TRUE(fs::exists(at(table)));
  EXPECT_EQ(measured["images"], 6);
  EXPECT_EQ(measured["data"], "images");
  EXPECT_EQ(measured["candidates"], 20);
  ASSERT_EQ(measured["spacings"].size(), 3U);
  for (const json& spacing : measured["spacings"]) {
    const double even = spacing["even"]["bits_per_dimension"];
    const double optimal = spacing["optimal"]["bits_per_dimension"];
    EXPECT_LE(optimal, even + 1e-9);
    EXPECT_EQ(spacing["optimal"]["timesteps"].size(), spacing["steps"].get<std::size_t>());
  }
  EXPECT_EQ(measured["spacings"][2]["optimal"]["timesteps"].front(), 0) << "all timesteps";
  EXPECT_EQ(measured["optimal_bits_per_dimension"].size(), 20U);

  // All steps: the bound that `evaluate` measures on the same images with the same noise.
  const json bits = json::parse(run("evaluate run --data images --count 6 --precision float32 --threads 1 --json"));
  const double whole = bits["bits_per_dimension"]["total"];
  EXPECT_NEAR(measured["spacings"][2]["optimal"]["bits_per_dimension"].get<double>(), whole, 1e-4 * whole);

  const json again = json::parse(run("respace run --steps 5 --json"));
  EXPECT_EQ(again["spacings"][0], measured["spacings"][1]);
  const std::string text = run("respace run");
  EXPECT_TRUE(contains(text, "optimal timesteps")) << text;
  EXPECT_TRUE(contains(error_of("respace run --steps 21"), "1 to 20"));
}

TEST_F(Respace, SampleAndEvaluateTakeTheTimestepsOfTheTable) {
  run("respace run --data images --count 4 --candidates 10 --overwrite");
  const json drawn = json::parse(run("sample run --count 2 --steps optimal5 --out five --json"));
  EXPECT_EQ(drawn["steps"], "optimal5");
  EXPECT_TRUE(fs::exists(at("five/grid.png")));
  run("sample run --count 1 --steps optimal5 --sampler ddim --out ddim");
  const json bits = json::parse(run("evaluate run --data images --count 4 --steps optimal5 --json"));
  EXPECT_EQ(bits["bits_per_dimension"]["terms"].size(), 5U);
  EXPECT_TRUE(contains(error_of("sample run --steps optimal11 --out eleven"), "1 to 10"));
}

TEST_F(Respace, ATableOfOtherWeightsOrAnotherModelIsRefused) {
  run("respace run --data images --count 2 --candidates 5 --raw --overwrite");
  run("sample run --raw --count 1 --steps optimal3 --out raw");
  EXPECT_TRUE(contains(error_of("sample run --count 1 --steps optimal3 --out other"), "for the weights 'raw'"));
  fs::create_directories(at("copy"));
  fs::copy_file(at("run/checkpoints/step_00000002.safetensors"), at("copy/model.safetensors"));
  fs::copy_file(at(table), at("copy/model.pairwise_bound.safetensors"));
  const std::string error = error_of("sample copy/model.safetensors --raw --count 1 --steps optimal3 --out other");
  EXPECT_TRUE(contains(error, "another model file")) << error;
  fs::resize_file(at(table), 100);
  EXPECT_TRUE(contains(error_of("sample run --raw --steps optimal3 --out other"), "pairwise_bound.safetensors"));
}

TEST_F(Respace, ByTrajectoriesNeedsNoDataAndIsSampledFrom) {
  const std::string own_table = "run/checkpoints/step_00000004.trajectories.safetensors";
  EXPECT_TRUE(contains(error_of("sample run --count 1 --steps best3 --out none"), "respace run/checkpoints"));
  EXPECT_TRUE(contains(error_of("respace run --by trajectories --data images"), "--data has no effect"));
  const std::string measuring = "respace run --by trajectories --count 3 --candidates 8 --threads 1";
  EXPECT_TRUE(contains(error_of(measuring + " --steps 9"), "1 to 8"));
  EXPECT_FALSE(fs::exists(at(own_table)));
  const json measured = json::parse(run(measuring + " --steps 3,8 --json"));
  EXPECT_EQ(measured["trajectories"], 3);
  EXPECT_EQ(measured["spacings"][1]["timesteps"].size(), 8U);
  const json drawn = json::parse(run("sample run --count 1 --sampler dpm++ --steps best3 --out best --json"));
  EXPECT_EQ(drawn["timesteps"], measured["spacings"][0]["timesteps"]);
  EXPECT_EQ(json::parse(run("respace run --by trajectories --steps 3 --json"))["spacings"][0], measured["spacings"][0]);
  EXPECT_TRUE(contains(error_of(measuring), "--overwrite"));
  EXPECT_TRUE(contains(error_of("sample run --count 1 --steps best9 --out none"), "1 to 8"));
  EXPECT_FALSE(fs::exists(at("none")));
}

TEST_F(Respace, HasHelpWithAnExample) { EXPECT_TRUE(contains(run("respace --help"), "iddpm respace")); }

}  // namespace iddpm::test
