// What the network predicts and how its error is weighed, from the command line to the samples.

#include <gtest/gtest.h>

#include <limits>
#include <regex>

#include "iddpm/model/checkpoint.h"
#include "tests/cli/program.h"

namespace iddpm::test {
namespace {

class Predictions : public ::testing::Test {
 protected:
  void SetUp() override { write_tiny_images(folder_ / "images"); }

  ProgramResult train(const std::string& options, const std::string& run = "run") {
    return run_program(folder_.path(),
                       "train --data images --run " + run + " --steps 2 --sample-every 0 " + options + tiny_model);
  }
  void expect_refused(const std::string& options, const std::vector<std::string>& words) {
    const ProgramResult result = train(options, "refused");
    EXPECT_NE(result.exit_code, 0) << options;
    for (const std::string& word : words) {
      EXPECT_NE(result.errors.find(word), std::string::npos) << options << ": " << result.errors;
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ / "refused")) << options;
  }
  DiffusionSettings settings_of(const std::string& run) {
    return Checkpoint(folder_ / (run + "/checkpoints/step_00000002.safetensors")).info().settings.diffusion;
  }

  TemporaryFolder folder_;
};

}  // namespace

TEST_F(Predictions, OfEveryKindTrainAndSample) {
  for (const char* options : {"--mean v", "--mean epsilon", "--mean x_0 --variance fixed_large", "--mean previous_x",
                              "--mean v --loss-weight min_snr --snr-limit 3", "--mean v --loss-weight prediction",
                              "--mean v --objective vlb", "--mean v --variance fixed_small"}) {
    const std::string run = "run_" + std::to_string(std::hash<std::string>()(options));
    const ProgramResult trained = train(options, run);
    ASSERT_EQ(trained.exit_code, 0) << options << ": " << trained.errors;
    for (const char* sampler : {"--sampler ancestral --steps 5", "--sampler ddim --steps trailing5"}) {
      const ProgramResult sampled =
          run_program(folder_.path(), "sample " + run + " --count 2 --overwrite --threads 1 " + sampler);
      EXPECT_EQ(sampled.exit_code, 0) << options << ": " << sampled.errors;
    }
  }
}

TEST_F(Predictions, AreVWithTheWeightOfLSimpleUnlessAsked) {
  ASSERT_EQ(train("").exit_code, 0);
  EXPECT_EQ(settings_of("run").mean, Mean::velocity);
  EXPECT_EQ(settings_of("run").weighting.weight, LossWeight::simple);
  const ProgramResult info = run_program(folder_.path(), "info run/checkpoints/step_00000002.safetensors");
  EXPECT_TRUE(std::regex_search(info.output, std::regex("\n  mean +v "))) << info.output;
  EXPECT_TRUE(std::regex_search(info.output, std::regex("\n  loss_weight +simple "))) << info.output;
}

TEST_F(Predictions, OfEpsilonOnTheCosineScheduleSayWhatToExpect) {
  const ProgramResult epsilon = train("--mean epsilon", "epsilon");
  EXPECT_NE(epsilon.errors.find("--mean v"), std::string::npos) << epsilon.errors;
  EXPECT_EQ(train("", "v").errors.find("--mean v"), std::string::npos);
}

TEST_F(Predictions, OfVReachAScheduleWithoutSignalAtItsEnd) {
  const ProgramResult trained = train("--zero-terminal-snr true");
  ASSERT_EQ(trained.exit_code, 0) << trained.errors;
  EXPECT_NE(trained.errors.find("zero terminal SNR"), std::string::npos) << trained.errors;
  for (const char* sampler : {"ancestral", "dpm++", "heun"}) {
    const ProgramResult drawn = run_program(
        folder_.path(), fmt::format("sample run --steps 5 --count 2 --threads 1 --sampler {0} --out {0}", sampler));
    EXPECT_EQ(drawn.exit_code, 0) << drawn.errors;
  }
}

TEST_F(Predictions, AreRefusedWhereTheyCantBeTrained) {
  expect_refused("--mean epsilon --zero-terminal-snr true", {"epsilon", "alpha_bar"});
  expect_refused("--mean x_0", {"x_0", "learned_range", "prediction of v"});
  expect_refused("--mean w", {"previous_x", "\"w\""});
}

TEST_F(Predictions, TakeNoWeightThatHasNoEffect) {
  expect_refused("--mean epsilon --loss-weight-floor 0.1", {"--loss-weight-floor", "epsilon"});
  expect_refused("--loss-weight prediction --loss-weight-floor 0.1", {"--loss-weight-floor", "prediction"});
  expect_refused("--snr-limit 3", {"--snr-limit", "min_snr"});
  expect_refused("--objective vlb --loss-weight simple", {"vlb", "squared error"});
  expect_refused("--mean previous_x --loss-weight simple", {"x_{t-1}"});
  expect_refused("--loss-weight min_snr --snr-limit 0", {"greater than 0"});
}

TEST_F(Predictions, BeginAtTheDataOnlyIfItIsKnown) {
  ASSERT_EQ(train("").exit_code, 0);
  const ProgramResult missing =
      run_program(folder_.path(), "sample run --steps 5 --start nowhere --out new --threads 1");
  EXPECT_NE(missing.exit_code, 0);
  EXPECT_NE(missing.errors.find("nowhere"), std::string::npos) << missing.errors;
  // A model that doesn't know its training images, as those of earlier versions.
  const Checkpoint checkpoint(folder_ / "run/checkpoints/step_00000002.safetensors");
  CheckpointInfo info = checkpoint.info();
  info.ema_rates.clear();
  info.data_pixels = {};
  save_checkpoint(folder_ / "old.safetensors", info, {.raw = checkpoint.load_network({.raw = true}).parameters()});
  const ProgramResult unknown =
      run_program(folder_.path(), "sample old.safetensors --steps 5 --start data --out new --threads 1");
  EXPECT_NE(unknown.exit_code, 0);
  EXPECT_NE(unknown.errors.find("name a folder"), std::string::npos) << unknown.errors;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "new"));
  const ProgramResult named = run_program(
      folder_.path(), "sample old.safetensors --steps 5 --start images --out new --threads 1 --count 2 --json");
  EXPECT_EQ(named.exit_code, 0) << named.errors;
  EXPECT_EQ(nlohmann::json::parse(named.output).at("start"), "images");
}

TEST_F(Predictions, ThatAreNotFiniteAreNotWrittenAsPictures) {
  ASSERT_EQ(train("").exit_code, 0);
  const Checkpoint checkpoint(folder_ / "run/checkpoints/step_00000002.safetensors");
  UNet network = checkpoint.load_network({.raw = true});
  for (auto& [name, parameter] : network.parameters()) {
    if (name == "out.2.bias") parameter.detach().fill_(std::numeric_limits<float>::quiet_NaN());
  }
  CheckpointInfo info = checkpoint.info();
  info.ema_rates.clear();
  save_checkpoint(folder_ / "broken.safetensors", info, {.raw = network.parameters()});
  const ProgramResult result =
      run_program(folder_.path(), "sample broken.safetensors --count 3 --steps 5 --out broken --threads 1");
  EXPECT_NE(result.exit_code, 0);
  for (const char* word : {"3 of 3", "step 1 of 5", "t = 19"}) {
    EXPECT_NE(result.errors.find(word), std::string::npos) << result.errors;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "broken/grid.png"));
  const ProgramResult measured =
      run_program(folder_.path(), "evaluate broken.safetensors --data images --count 3 --steps 5 --threads 1");
  EXPECT_NE(measured.exit_code, 0);
  EXPECT_NE(measured.errors.find("none of 3 images is finite"), std::string::npos) << measured.errors;
  const ProgramResult respaced =
      run_program(folder_.path(), "respace broken.safetensors --data images --count 2 --candidates 3 --threads 1");
  EXPECT_NE(respaced.exit_code, 0);
  EXPECT_NE(respaced.errors.find("not finite on the images from 'images/dark_0.png'"), std::string::npos)
      << respaced.errors;
}

}  // namespace iddpm::test
