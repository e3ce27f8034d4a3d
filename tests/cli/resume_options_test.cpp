// A run that goes on with other options: what is applied, and what is said.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/program.h"

namespace iddpm::test {
namespace {

class ResumeOptions : public ::testing::Test {
 protected:
  void SetUp() override { write_tiny_images(folder_ / "images"); }

  ProgramResult run(const std::string& arguments) const {
    const ProgramResult result = run_program(folder_.path(), arguments);
    EXPECT_EQ(result.exit_code, 0) << arguments << "\n" << result.errors;
    return result;
  }
  // Of each line of the log, beginning with the first.
  std::vector<double> logged(const std::string& name, const char* figure) const {
    std::istringstream lines(text_of(folder_ / name / "log.jsonl"));
    std::vector<double> figures;
    for (std::string line; std::getline(lines, line);) {
      figures.push_back(nlohmann::json::parse(line)[figure].get<double>());
    }
    return figures;
  }
  std::vector<double> learning_rates(const std::string& name) const { return logged(name, "learning_rate"); }

  TemporaryFolder folder_;
};

}  // namespace

TEST_F(ResumeOptions, ADecayIsStretchedWhenTheRunGoesOnForLonger) {
  for (const std::string decay : {"linear", "cosine"}) {
    run("train --data images --run " + decay + " --steps 4 --lr 1e-3 --log-every 1 --sample-every 0 --decay " + decay +
        tiny_model);
    const auto result = run("train --resume " + decay + " --steps 8 --threads 1");
    EXPECT_NE(result.errors.find("decay of the learning rate now ends at step 8"), std::string::npos) << result.errors;
    const auto rates = learning_rates(decay);
    ASSERT_EQ(rates.size(), 8U);
    EXPECT_NEAR(rates[4], 0.5e-3, 1e-9) << "half-way";
    EXPECT_GT(rates[7], 0);
  }
}

TEST_F(ResumeOptions, ADecayFollowsTheTime) {
  run("train --data images --run timed --minutes 0.01 --lr 1e-3 --log-every 1 --sample-every 0 --decay linear" +
      tiny_model);
  // A step's rate is that of a moment between the end of the step before and its own.
  const auto first = learning_rates("timed");
  const auto seconds = logged("timed", "elapsed_seconds");
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_LE(first[i], 1e-3 * (1 - (i > 0 ? seconds[i - 1] : 0) / 0.6) + 1e-12) << i;
    EXPECT_GE(first[i], 1e-3 * (1 - seconds[i] / 0.6) - 1e-12) << i;
  }
  // The decay is over: it is stretched over as much time again.
  const auto result = run("train --resume timed --threads 1");
  EXPECT_NE(result.errors.find("decay of the learning rate now ends at 0.0"), std::string::npos) << result.errors;
  const std::string words = "goes on at a rate of ";
  const std::size_t place = result.errors.find(words);
  ASSERT_NE(place, std::string::npos) << result.errors;
  const double rate = std::stod(result.errors.substr(place + words.size()));
  EXPECT_GT(rate, 0);
  EXPECT_LE(rate, 0.5e-3);
  const auto rates = learning_rates("timed");
  ASSERT_GT(rates.size(), first.size());
  for (std::size_t i = first.size(); i < rates.size(); ++i) EXPECT_LE(rates[i], rate * 1.001) << i;
}

TEST_F(ResumeOptions, ARunThatEndsByProcessorTimeGoesOnByIt) {
  run("train --data images --run counted --processor-minutes 0.01 --log-every 1 --sample-every 0 --lr 1e-3 --decay "
      "linear" +
      tiny_model);
  const auto record = [&] { return nlohmann::json::parse(text_of(folder_ / "counted" / "run.json"))["run"]; };
  EXPECT_EQ(record()["processor_minutes"], 0.01);
  EXPECT_TRUE(record()["minutes"].is_null());
  const std::size_t before = learning_rates("counted").size();
  EXPECT_LT(learning_rates("counted").back(), 1e-3);
  const auto again = run("train --resume counted --threads 1");
  EXPECT_NE(again.errors.find("now ends at 0.02"), std::string::npos) << again.errors;
  EXPECT_GT(learning_rates("counted").size(), before);
  run("train --resume counted --minutes 0.005 --threads 1");
  EXPECT_EQ(record()["minutes"], 0.005);
  EXPECT_TRUE(record()["processor_minutes"].is_null());
  const auto both =
      run_program(folder_.path(), "train --data images --run both --minutes 1 --processor-minutes 1" + tiny_model);
  EXPECT_NE(both.exit_code, 0);
  EXPECT_NE(both.errors.find("expected one of them"), std::string::npos) << both.errors;
}

TEST_F(ResumeOptions, WhatCanChangeIsAppliedSaidAndKept) {
  run("train --data images --run base --steps 2 --lr 1e-3 --sample-every 0" + tiny_model);
  const auto changed = run(
      "train --resume base --steps 20 --log-every 1 --lr 1e-6 --batch 2 --microbatch 1 --ema 0.5 --flip --warmup 5 "
      "--gradient-clip 0.5 --weight-decay 0.1 --decay cosine --precision bfloat16 --workers 2 --keep 9 --threads 1");
  for (const char* words :
       {"--lr: 1e-06 instead of 0.001", "--batch: 2 instead of 4", "--microbatch: 1", "--ema: 0.5", "--flip: true",
        "--warmup: 5 steps from step 2 on", "--gradient-clip: 0.5 instead of 1", "--weight-decay: 0.1 instead of 0",
        "--decay: cosine instead of none", "--precision: bfloat16 instead of float32", "--workers: 2", "--keep: 9"}) {
    EXPECT_NE(changed.errors.find(words), std::string::npos) << words << "\n" << changed.errors;
  }
  const auto record = nlohmann::json::parse(text_of(folder_ / "base/run.json"));
  EXPECT_EQ(record["training"]["options"]["learning_rate"], 1e-6);
  EXPECT_EQ(record["run"]["workers"], 2);
  const auto again = run("train --resume base --steps 21");
  EXPECT_EQ(again.errors.find("instead of"), std::string::npos) << "kept: " << again.errors;
  EXPECT_EQ(nlohmann::json::parse(text_of(folder_ / "base/run.json"))["training"]["options"]["batch"], 2);
}

TEST_F(ResumeOptions, WhatCanNotChangeIsRefusedByNameAndTheRunIsLeftAsItWas) {
  run("train --data images --run base --steps 2 --sample-every 0" + tiny_model);
  const std::string record = text_of(folder_ / "base/run.json");
  for (const std::string option :
       {"--seed 9", "--schedule linear", "--image-size 16", "--preset cifar10", "--csv nofile.csv", "--overwrite"}) {
    const auto result = run_program(folder_.path(), "train --resume base --steps 4 " + option);
    EXPECT_EQ(result.exit_code, 1) << option;
    EXPECT_NE(result.errors.find(option.substr(0, option.find(' '))), std::string::npos) << result.errors;
    EXPECT_EQ(text_of(folder_ / "base/run.json"), record) << option;
  }
  // The same options as at the beginning are no change.
  run("train --resume base --steps 3 --sample-every 0 --seed 0" + tiny_model);
}

TEST_F(ResumeOptions, TheAdviceAfterALossThatIsNotFiniteCanBeFollowed) {
  const auto diverged =
      run_program(folder_.path(),
                  "train --data images --run r --steps 400 --lr 10 --gradient-clip 0 --sample-every 0 "
                  "--checkpoint-every 1 --keep 0" +
                      tiny_model);
  ASSERT_EQ(diverged.exit_code, 1) << diverged.errors;
  EXPECT_NE(diverged.errors.find("(9 in a row; the run stops at 10)"), std::string::npos) << diverged.errors;
  const std::string advice = "iddpm train --resume r --lr 1 --gradient-clip 1";
  ASSERT_NE(diverged.errors.find("'" + advice), std::string::npos) << diverged.errors;
  const auto result = run_program(folder_.path(), advice.substr(6) + " --threads 1");
  EXPECT_NE(result.errors.find("--lr: 1 instead of 10"), std::string::npos) << result.errors;
}

TEST_F(ResumeOptions, ARunKeepsItsNumberOfThreads) {
  std::string options = tiny_model;
  options.replace(options.find("--threads 1"), 11, "--threads 2");
  run("train --data images --run two --steps 2 --sample-every 0" + options);
  run("train --resume two --steps 3");
  EXPECT_EQ(nlohmann::json::parse(text_of(folder_ / "two/run.json"))["run"]["threads"], 2);
  const auto result = run("train --resume two --steps 4 --threads 1");
  EXPECT_NE(result.errors.find("--threads: 1 instead of 2"), std::string::npos) << result.errors;
}

TEST_F(ResumeOptions, OtherDataAreTakenByTheNamesOfTheirClasses) {
  run("train --data images --run base --steps 2 --sample-every 0" + tiny_model);
  const std::string record = text_of(folder_ / "base/run.json");
  std::filesystem::create_directories(folder_ / "other");
  // Of another size, and with a class that the model doesn't have.
  for (const char* name : {"ape_1.png", "dark_1.png", "light_1.png", "light_2.png"}) {
    write_png(folder_ / "other" / name,
              {.width = 16, .height = 16, .channels = 3, .pixels = std::vector<std::uint8_t>(16 * 16 * 3, 99)});
  }
  auto result = run_program(folder_.path(), "train --resume base --data other --labels prefix --steps 4");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.errors.find("ape"), std::string::npos) << result.errors;
  EXPECT_EQ(text_of(folder_ / "base/run.json"), record);
  std::filesystem::rename(folder_ / "other/ape_1.png", folder_ / "other/dark_2.png");
  run("train --resume base --data other --labels prefix --steps 4");
  EXPECT_EQ(run_program(folder_.path(), "train --resume base --data other --labels none --steps 5").exit_code, 1);
}

TEST_F(ResumeOptions, FineTuningSaysWhatItTakesOver) {
  run("train --data images --run base --steps 2 --sample-every 0" + tiny_model);
  std::filesystem::create_directories(folder_ / "more");
  for (const char* name : {"ape_1.png", "ape_2.png", "light_1.png", "light_2.png"}) {
    std::filesystem::copy_file(folder_ / "images/dark_0.png", folder_ / "more" / name);
  }
  const auto result =
      run("train --from base --data more --labels prefix --run tuned --steps 2 --sample-every 0 "
          "--threads 1 --precision float32 --batch 2");
  EXPECT_NE(result.errors.find("new: ape"), std::string::npos) << result.errors;
  EXPECT_NE(result.errors.find("2 kept"), std::string::npos) << result.errors;
  const std::string info = run("info tuned").output;
  for (const char* name : {"ape", "dark", "light"}) EXPECT_NE(info.find(name), std::string::npos) << info;
  const auto refused = run_program(folder_.path(), "train --from base --data more --run no --channels 64 --steps 2");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.errors.find("--channels"), std::string::npos) << refused.errors;
}

}  // namespace iddpm::test
