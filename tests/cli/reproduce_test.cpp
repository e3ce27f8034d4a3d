// Every finding of `iddpm reproduce` at a scale of seconds: that it runs, writes what it says, and does nothing twice.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

namespace fs = std::filesystem;

const std::string toy_scale =
    " --data images --diffusion-steps 20 --channels 32 --multipliers 1,1 --training-steps 4 --batch 4 --checkpoints 2 "
    "--samples 6 --step-samples 6 --reference-images 12 --sampling-steps 4 --likelihood-images 2 --feature-steps 3 "
    "--noise-batches 3 --work work --out out --page out/results.md --threads 1 ";

class Reproduce : public ::testing::TestWithParam<const char*> {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    write_tiny_images(*folder_ / "images");
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  static ProgramResult run(const std::string& arguments) {
    return run_program(folder_->path(), "reproduce " + arguments + toy_scale);
  }
  static fs::path at(const std::string& name) { return *folder_ / name; }

  static TemporaryFolder* folder_;
};

TemporaryFolder* Reproduce::folder_ = nullptr;

}  // namespace

TEST_P(Reproduce, WritesFigureNumbersAndALineOfThePage) {
  const std::string name = GetParam();
  const auto result = run(name);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  for (const char* ending : {".png", ".svg", ".json"}) EXPECT_TRUE(fs::exists(at("out/images/" + name + ending)));
  const auto json = nlohmann::json::parse(text_of(at("out/images/" + name + ".json")));
  EXPECT_FALSE(json["numbers"].empty());
  const std::string page = text_of(at("out/results.md"));
  EXPECT_NE(page.find(json["found"].get<std::string>()), std::string::npos);
  EXPECT_NE(page.find("images/" + name + ".png"), std::string::npos);
}

TEST_P(Reproduce, TakesFromTheWorkFolderWhatIsThere) {
  const std::string name = GetParam();
  ASSERT_EQ(run(name).exit_code, 0);
  const auto first = nlohmann::json::parse(text_of(at("out/images/" + name + ".json")));
  const auto newest = [&] {
    fs::file_time_type time{};
    for (const auto& entry : fs::recursive_directory_iterator(at("work"))) {
      if (entry.is_regular_file()) time = std::max(time, entry.last_write_time());
    }
    return time;
  };
  if (name != "variance-ratio") {
    const auto before = newest();
    ASSERT_EQ(run(name).exit_code, 0);
    EXPECT_EQ(newest(), before) << "something was made again";
  }
  const auto second = nlohmann::json::parse(text_of(at("out/images/" + name + ".json")));
  EXPECT_EQ(first["numbers"], second["numbers"]);
}

INSTANTIATE_TEST_SUITE_P(Findings, Reproduce,
                         ::testing::Values("variance-ratio", "vlb-terms", "schedules", "objectives", "gradient-noise",
                                           "sampling-steps", "samplers", "gan", "compute", "predictions", "precision"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_F(Reproduce, ComparesSamplersOnAModelAtHand) {
  EXPECT_NE(run("gan --model work").errors.find("--model has no effect on gan"), std::string::npos);
  EXPECT_NE(run("samplers --model nowhere").errors.find("nowhere doesn't exist"), std::string::npos);
  ASSERT_EQ(run("predictions").exit_code, 0);
  const auto result = run("samplers --most-evaluations 8 --model work/models/cosine_hybrid_v_simple");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto numbers = nlohmann::json::parse(text_of(at("out/images/samplers.json")))["numbers"];
  EXPECT_EQ(numbers["evaluations"], (std::vector<int>{5, 8}));
  EXPECT_EQ(numbers["best_timesteps"]["5"].size(), 5U);
  for (const char* arm : {"ancestral", "dpm++", "dpm++, best", "heun", "unipc, trailing", "unipc, best"}) {
    EXPECT_EQ(numbers["frechet_distance"][arm].size(), 2U) << arm;
  }
  EXPECT_TRUE(fs::exists(at("out/images/samplers_samples.png")));
}

TEST_F(Reproduce, HasBrightnessOfEveryPredictionAtEveryCheckpoint) {
  const auto result = run("predictions");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto numbers = nlohmann::json::parse(text_of(at("out/images/predictions.json")))["numbers"];
  EXPECT_NEAR(numbers["training images"]["mean_pixel"].get<double>(), 129, 10) << "half 20 to 60, half 200 to 240";
  ASSERT_EQ(numbers["predictions"].size(), 6);
  for (const auto& [name, of_it] : numbers["predictions"].items()) {
    EXPECT_EQ(of_it["step"], (std::vector<int>{2, 4})) << name;
    ASSERT_EQ(of_it["mean_pixel_at_step"].size(), 2) << name;
    for (const auto& mean : of_it["mean_pixel_at_step"]) EXPECT_TRUE(mean >= 0 && mean <= 255) << name << mean;
    EXPECT_GT(of_it["processor_seconds_of_training"], 0) << name;
  }
  EXPECT_TRUE(fs::exists(at("out/images/predictions_samples.png")));
}

TEST_F(Reproduce, SaysOfAPredictionThatItsSamplesAreNotFinite) {
  const auto look = [] {
    return run_program(folder_->path(), "reproduce predictions" + with(toy_scale, "--work broken"));
  };
  ASSERT_EQ(look().exit_code, 0);
  for (const auto& entry : fs::directory_iterator(at("broken/measurements"))) {
    if (entry.path().filename().string().starts_with("samples_cosine_simple_x_0_step")) {
      std::ofstream(entry.path()) << R"({"result": {"not_finite": "6 of 6 images"}, "seconds": 0})";
    }
  }
  const auto result = look();
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto json = nlohmann::json::parse(text_of(at("out/images/predictions.json")));
  const auto& broken = json["numbers"]["predictions"]["x_0, weight prediction"];
  EXPECT_FALSE(broken["finite"].get<bool>());
  EXPECT_TRUE(broken["mean_pixel_at_step"][0].is_null());
  EXPECT_NE(json["table"].get<std::string>().find("not finite"), std::string::npos);
}

TEST_F(Reproduce, SaysOfAPredictionThatItsTrainingDiverged) {
  const fs::path run = at("diverging/models/cosine_hybrid_v");
  fs::create_directories(run);
  std::ofstream(run / "diverged.json") << R"("the loss of step 3 is nan")";
  const auto result = run_program(folder_->path(), "reproduce predictions" + with(toy_scale, "--work diverging"));
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto json = nlohmann::json::parse(text_of(at("out/images/predictions.json")));
  const auto& diverged = json["numbers"]["predictions"]["v, weight prediction"];
  EXPECT_EQ(diverged["diverged"], "the loss of step 3 is nan");
  EXPECT_NE(json["table"].get<std::string>().find("training diverged"), std::string::npos);
  EXPECT_TRUE(json["numbers"]["predictions"]["v, weight simple"]["finite"].get<bool>());
}

TEST_F(Reproduce, NamesTheNearestFinding) {
  const auto result = run("vlb-term");
  EXPECT_NE(result.exit_code, 0);
  EXPECT_NE(result.errors.find("vlb-terms"), std::string::npos) << result.errors;
}

TEST_F(Reproduce, RefusesAWorkFolderOfOtherModels) {
  ASSERT_EQ(run("vlb-terms").exit_code, 0);
  const auto other = run_program(folder_->path(), "reproduce vlb-terms" + with(toy_scale, "--batch 5"));
  EXPECT_NE(other.exit_code, 0);
  EXPECT_NE(other.errors.find("other settings"), std::string::npos) << other.errors;
}

}  // namespace iddpm::test
