// iddpm train --super-resolution, sample --low-resolution and --then.

#include <nlohmann/json.hpp>

#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

// "small" draws 4 x 4 images, "large" enlarges them to 8 x 8.
class SuperResolution : public TinyRunTest {
 protected:
  static void SetUpTestSuite() {
    TinyRunTest::SetUpTestSuite();
    run("train --data images --run small --steps 2 --sample-every 0" + with(tiny_model, "--image-size 4"));
    run("train --data images --run large --steps 2 --sample-every 2 --super-resolution 4" + tiny_model);
    run("train --data images --run fixed --steps 2 --sample-every 0 --super-resolution 4 --low-resolution-noise 0.2 "
        "--low-resolution-noise-varies false" +
        tiny_model);
  }

  static nlohmann::json record(const std::string& folder) {
    return nlohmann::json::parse(text_of(at(folder) / "samples.json"));
  }
  static std::string refused(const std::string& arguments) {
    return refusal_in(folder(), arguments + " --out refused --threads 1");
  }
  static void expect_words(const std::string& text, const std::vector<std::string>& words) {
    for (const std::string& word : words) EXPECT_NE(text.find(word), std::string::npos) << word << " in " << text;
  }
  static constexpr const char* how = " --threads 1 --precision float32 ";
};

}  // namespace

TEST_F(SuperResolution, IsRecordedInTheModelWithItsNoise) {
  const auto network = json_of("info large")["model"]["network"];
  EXPECT_EQ(network["low_resolution"], 4);
  EXPECT_EQ(network["low_resolution_noise"], 0.3);
  EXPECT_EQ(network["low_resolution_noise_varies"], true);
  EXPECT_TRUE(exists("large/samples/step_00000002.png")) << "grids of enlarged images while it trains";
  run("train --resume large --steps 3 --threads 1");
}

TEST_F(SuperResolution, EnlargesOnesOwnImages) {
  const auto result = run_program(folder(), std::string("sample large --low-resolution images --out enlarged") + how);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  expect_words(result.errors, {"fitted to the model's 4 x 4"});
  EXPECT_EQ(record("enlarged")["count"], 12) << "one of each";
  EXPECT_EQ(read_image(at("enlarged/dark_000000.png")).width, 8);
  EXPECT_EQ(record("enlarged")["low_resolution"].size(), 12U);
  EXPECT_EQ(record("enlarged")["low_resolution_noise"], 0.0);
  expect_words(result.errors, {"noise of 0 on the smaller images", "at most 0.3"});
}

TEST_F(SuperResolution, TakesTheNoiseThatIsChosenWhereItVaries) {
  const auto result = run_program(
      folder(), std::string("sample large --low-resolution images --low-resolution-noise 0.25 --out noisy") + how);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  expect_words(result.errors, {"noise of 0.25"});
  EXPECT_EQ(record("noisy")["low_resolution_noise"], 0.25);
  expect_words(refused("sample large --low-resolution images --low-resolution-noise 0.5"),
               {"--low-resolution-noise", "0 to 0.3", "0.5"});
  expect_words(refused("sample small --then large --low-resolution-noise 0.5"), {"--low-resolution-noise", "0 to 0.3"});
  expect_words(refused("sample run --low-resolution-noise 0.1"), {"--low-resolution-noise", "doesn't enlarge"});
  expect_words(refused("sample fixed --low-resolution images --low-resolution-noise 0.2"),
               {"--low-resolution-noise", "can't be chosen"});
  run("sample fixed --low-resolution images --out of_fixed" + std::string(how));
}

TEST_F(SuperResolution, IsEvaluatedOnImagesMadeSmall) {
  run("train-features --data images --steps 4 --batch 4 --channels 8 --threads 1 --out features.safetensors");
  const auto likelihood = json_of("evaluate large --data images --steps 4 --threads 1")["bits_per_dimension"];
  EXPECT_GT(likelihood["total"].get<double>(), 0.0);
  expect_words(likelihood["protocol"].dump(), {"given images of 4 x 4 with noise 0"});
  const auto quality = json_of(
      "evaluate fixed --reference images --features features.safetensors --neighbours 1,2 --samples 15 --sample-steps "
      "2 "
      "--threads 1")["sample_quality"];
  EXPECT_EQ(quality["protocol"]["images"]["count"], 15);
  expect_words(quality["protocol"].dump(), {"given images of 4 x 4 with noise 0.2"});
  run("evaluate images --features features.safetensors --save-reference statistics.safetensors --threads 1");
  const std::string judged = "evaluate large --features features.safetensors --threads 1";
  expect_words(refusal_in(folder(), judged + " --reference statistics.safetensors"), {"statistics", "made small"});
  expect_words(refusal_in(folder(), judged + " --save-reference samples.safetensors"),
               {"enlarges images", "--reference"});
}

TEST_F(SuperResolution, HasTimestepsChosenByTheBoundOnly) {
  expect_words(run("respace large --data images --count 4 --threads 1 --steps 3"), {"Bits per dimension"});
  run("sample large --low-resolution images --count 1 --steps optimal3 --out optimal --threads 1");
  expect_words(refusal_in(folder(), "respace large --by trajectories --threads 1"), {"enlarges images", "the bound"});
}

TEST_F(SuperResolution, EnlargesWhatAnotherModelDraws) {
  const std::string cascade =
      "sample small --then large --count 3 --first 1 --out drawn --npz large.npz" + std::string(how);
  run(cascade);
  EXPECT_EQ(read_image(at("drawn_small/dark_000001.png")).width, 4);
  EXPECT_EQ(read_image(at("drawn/dark_000001.png")).width, 8);
  EXPECT_TRUE(exists("large.npz"));
  // As if each had been enlarged by itself.
  run("sample large --low-resolution drawn_small/light_000002.png --class light --first 2 --count 1 "
      "--low-resolution-noise "
      "0.1 --out alone" +
      std::string(how));
  EXPECT_EQ(record("drawn")["low_resolution_noise"], 0.1) << "what a model drew has faults";
  const Image alone = read_image(at("alone/light_000002.png")), beside = read_image(at("drawn/light_000002.png"));
  int difference = 0;
  for (std::size_t p = 0; p < 64; ++p) difference = std::max(difference, std::abs(alone.pixels[p] - beside.pixels[p]));
  EXPECT_LE(difference, 1);
  const auto again = run_program(folder(), cascade);
  expect_words(again.errors, {"All 3 images are in drawn_small already", "All 3 images are in drawn already"});
}

TEST_F(SuperResolution, RefusesWhatDoesNotFitBeforeAnythingIsDrawn) {
  expect_words(refused("sample large"), {"4 x 4", "--low-resolution", "--then"});
  expect_words(refused("sample run --low-resolution images"), {"--low-resolution", "doesn't enlarge"});
  expect_words(refused("sample large --low-resolution nothing.png"), {"--low-resolution", "nothing.png"});
  expect_words(refused("sample small --then run"), {"--then", "draws by itself"});
  expect_words(refused("sample run --then large"), {"--then", "[1, 8, 8]", "[1, 4, 4]"});
  expect_words(refused("sample small --then large --low-resolution images"), {"--low-resolution has no effect"});
  expect_words(refused("sample small --then large --npz nowhere/x.npz"), {"--npz", "nowhere"});
  expect_words(refusal_in(folder(), "train --data images --run other" + tiny_model + "--super-resolution 3"),
               {"low_resolution is 3", "8 x 8"});
  expect_words(refusal_in(folder(), "train --data images --run other" + tiny_model + "--low-resolution-noise 0.2"),
               {"low_resolution_noise", "no super-resolution"});
  expect_words(
      refusal_in(folder(), "train --data images --run other" + tiny_model + "--low-resolution-noise-varies true"),
      {"--low-resolution-noise-varies has no effect without --super-resolution"});
  EXPECT_FALSE(exists("refused"));
  EXPECT_FALSE(exists("refused_small"));
}

}  // namespace iddpm::test
