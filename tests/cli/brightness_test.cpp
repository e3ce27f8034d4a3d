// Samples must be as bright as their data. A fault that made those of short trainings far too bright was seen by no
// other test.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "iddpm/io/npz.h"
#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

// uint8 [96, 16, 16, 3]: dark, each channel of its own brightness (20, 30 and 40 on average), no two images alike.
Tensor dark_images() {
  const Tensor noise = (at::sin(at::arange(96 * 16 * 16 * 3, at::kDouble) * 12.9898) * 43758.5).remainder(7);
  const Tensor of_image = at::arange(96, at::kDouble).remainder(8).view({96, 1, 1, 1});
  const Tensor of_channel = at::tensor({13.5, 23.5, 33.5}, at::kDouble);
  return (noise.view({96, 16, 16, 3}) + of_image + of_channel).to(at::kByte);
}

Tensor channel_means(const Tensor& pixels) { return pixels.to(at::kDouble).mean(at::IntArrayRef{0, 1, 2}); }

const std::string tiny_of_colours =
    " --preset tiny --image-channels 3 --learning-rate 0.003 --precision float32 --threads 1";

class Brightness : public ProgramTest {
 protected:
  static void SetUpTestSuite() {
    ProgramTest::SetUpTestSuite();
    write_npz(at("dark.npz"), {{"arr_0", dark_images()}});
    run("train --data dark.npz --run run --steps 120 --sample-every 0" + tiny_of_colours);
    record_ = nlohmann::json::parse(
        run("sample run --count 32 --steps 25 --out run/samples/final --npz drawn.npz --grid-only --threads 1 --json"));
  }

  // Expects success and returns standard output; what was said stays in `said_`.
  static std::string run(const std::string& arguments) {
    const auto result = run_program(folder(), arguments);
    EXPECT_EQ(result.exit_code, 0) << arguments << "\n" << result.errors;
    said_ = result.errors;
    return result.output;
  }
  static bool said(const std::string& words) { return said_.find(words) != std::string::npos; }

  static nlohmann::json record_;
  static std::string said_;
};

nlohmann::json Brightness::record_;
std::string Brightness::said_;

}  // namespace

TEST_F(Brightness, OfSamplesIsThatOfTheirDataAfterSecondsOfTraining) {
  // From the images themselves: by no code that could share a fault.
  const Tensor data = channel_means(dark_images()), samples = channel_means(read_npz(at("drawn.npz"))[0].second);
  EXPECT_LT((samples - data).abs().max().item<double>(), 0.05 * 255.0) << "samples " << samples << "\ndata " << data;
}

TEST_F(Brightness, IsInTheRecordOfSamplesBesideTheDatas) {
  EXPECT_EQ(nlohmann::json::parse(text_of(at("run/samples/final/samples.json"))), record_);
  const auto& pixels = record_["pixels"];
  const Tensor data = channel_means(dark_images()), samples = channel_means(read_npz(at("drawn.npz"))[0].second);
  EXPECT_EQ(pixels["samples"]["images"], 32);
  EXPECT_EQ(pixels["data"]["of"], "training images");
  EXPECT_EQ(pixels["data"]["images"], 120 * 16);
  const std::vector<std::string> names = {"red", "green", "blue"};
  for (std::size_t c = 0; c < 3; ++c) {
    const auto& ours = pixels["samples"]["channels"][c];
    const auto& theirs = pixels["data"]["channels"][c];
    EXPECT_EQ(ours["name"], names[c]);
    EXPECT_NEAR(ours["mean"].get<double>(), samples[static_cast<std::int64_t>(c)].item<double>(), 1e-9);
    EXPECT_NEAR(theirs["mean"].get<double>(), data[static_cast<std::int64_t>(c)].item<double>(), 0.5);
    EXPECT_NEAR(theirs["spread"].get<double>(), 3.0, 0.5);
    EXPECT_EQ(theirs["black_share"], 0.0);
    EXPECT_EQ(theirs["white_share"], 0.0);
  }
  EXPECT_LT(pixels["brightness_difference"].get<double>(), 0.05);
}

TEST_F(Brightness, IsSaidAndShownInTheReport) {
  run("sample run --count 4 --steps 5 --out few --grid-only --threads 1");
  for (const char* words : {"4 samples", "training images", "green", "% black (2 and less)"}) {
    EXPECT_TRUE(said(words)) << words << " is not in " << said_;
  }
  EXPECT_FALSE(said("brighter")) << said_;
  run("report run");
  const std::string report = text_of(at("run/report.html"));
  EXPECT_NE(report.find("<td>32 samples</td><td>red</td>"), std::string::npos);
  EXPECT_NE(report.find("<td>training images</td><td>blue</td>"), std::string::npos);
  EXPECT_EQ(report.find("the bound is"), std::string::npos);
}

TEST_F(Brightness, OfSamplesThatAreOffIsRemarkedOnEverywhere) {
  // The fault that was: at the noisy end an error of epsilon is magnified.
  run("train --data dark.npz --run off --steps 30 --sample-every 30 --mean epsilon --loss-weight prediction" +
      tiny_of_colours);
  EXPECT_TRUE(said("The 32 samples at step 30 are brighter than the training images: mean ")) << said_;
  EXPECT_TRUE(said("the bound is 5 %")) << said_;
  const auto record = nlohmann::json::parse(
      run("sample off --count 8 --steps 25 --out off/samples/final --grid-only --threads 1 --json"));
  EXPECT_GT(record["pixels"]["brightness_difference"].get<double>(), 0.15);
  EXPECT_TRUE(said("The 8 samples are brighter than the training images: mean ")) << said_;
  // The same model, untrained further, from a start that has the data's mean.
  const auto helped = nlohmann::json::parse(
      run("sample off --count 8 --steps 25 --start data --out helped --grid-only --threads 1 --json"));
  EXPECT_LT(helped["pixels"]["brightness_difference"].get<double>(),
            0.5 * record["pixels"]["brightness_difference"].get<double>());
  run("report off");
  EXPECT_NE(text_of(at("off/report.html")).find("The 8 samples are brighter"), std::string::npos);
}

TEST_F(Brightness, OfARecordThatIsNoneIsRefusedByTheReport) {
  run("train --data dark.npz --run odd --steps 1 --sample-every 0" + tiny_of_colours);
  run("sample odd --count 2 --steps 2 --out odd/samples/final --grid-only --threads 1");
  auto record = nlohmann::json::parse(text_of(at("odd/samples/final/samples.json")));
  record["pixels"]["samples"]["channels"].erase(0);
  std::ofstream(at("odd/samples/final/samples.json")) << record;
  const auto result = run_program(folder(), "report odd");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.errors.find("samples.json"), std::string::npos) << result.errors;
  record.erase("pixels");  // as before there was one
  std::ofstream(at("odd/samples/final/samples.json")) << record;
  run("report odd");
}

}  // namespace iddpm::test
