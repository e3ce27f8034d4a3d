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
  EXPECT_EQ(network["low_resolution_noise"], 0.1);
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
}

TEST_F(SuperResolution, EnlargesWhatAnotherModelDraws) {
  const std::string cascade =
      "sample small --then large --count 3 --first 1 --out drawn --npz large.npz" + std::string(how);
  run(cascade);
  EXPECT_EQ(read_image(at("drawn_small/dark_000001.png")).width, 4);
  EXPECT_EQ(read_image(at("drawn/dark_000001.png")).width, 8);
  EXPECT_TRUE(exists("large.npz"));
  // As if each had been enlarged by itself.
  run("sample large --low-resolution drawn_small/light_000002.png --class light --first 2 --count 1 --out alone" +
      std::string(how));
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
  EXPECT_FALSE(exists("refused"));
  EXPECT_FALSE(exists("refused_small"));
}

}  // namespace iddpm::test
