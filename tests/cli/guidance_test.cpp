// Class dropout in training, and guidance of samples.

#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

class Guided : public ProgramTest {
 protected:
  static void SetUpTestSuite() {
    ProgramTest::SetUpTestSuite();
    write_tiny_images(at("images"));
    run("train --data images --run run --steps 4 --checkpoint-every 2 --keep 0 --sample-every 0 --class-dropout 0.25 "
        "--lr 1e-2 --ema 0.5" +
        tiny_model);
    run("train --data images --run plain --steps 1 --sample-every 0" + tiny_model);
    run("train --data images --run unconditional --steps 1 --sample-every 0 --unconditional" + tiny_model);
  }

  static nlohmann::json drawn(const std::string& options) {
    return json_of("sample run --count 4 --steps 10 --threads 1 --precision float32 " + options);
  }
  static std::string image(const std::string& folder) { return text_of(at(folder) / "dark_000000.png"); }
};

}  // namespace

TEST_F(Guided, ClassDropoutIsRecordedAndKept) {
  EXPECT_EQ(json_of("info run")["model"]["network"]["class_dropout"], 0.25);
  EXPECT_NE(run("info run").find("class_dropout"), std::string::npos);
  std::filesystem::copy(at("run"), at("resumed"), std::filesystem::copy_options::recursive);
  expect_refused("train --resume resumed --steps 6 --class-dropout 0.5", {"--class-dropout", "--from"});
  run("train --resume resumed --steps 6 --class-dropout 0.25 --sample-every 0");
  EXPECT_EQ(json_of("info resumed")["model"]["network"]["class_dropout"], 0.25);
  run("train --from plain --data images --run tuned --steps 1 --class-dropout 0.5 --sample-every 0 --threads 1");
  EXPECT_EQ(json_of("info tuned")["model"]["network"]["class_dropout"], 0.5) << "fine-tuning may begin with it";
  run("train --from run --data images --run freed --steps 1 --unconditional --sample-every 0 --threads 1");
  EXPECT_EQ(json_of("info freed")["model"]["network"]["class_dropout"], 0.0);
}

TEST_F(Guided, ClassDropoutThatCannotBeIsRefused) {
  const std::string train = "train --data images --run never --steps 1" + tiny_model;
  expect_refused(train + "--class-dropout 1.5", {"--class-dropout", "from 0 to 1", "1.5"});
  expect_refused(train + "--class-dropout 1", {"class_dropout is 1", "below 1"});
  expect_refused(train + "--class-dropout 0.1 --unconditional", {"class_dropout is 0.1", "no classes"});
  EXPECT_FALSE(exists("never/checkpoints"));
}

TEST_F(Guided, TheScaleMovesSamplesAndOneIsNone) {
  const auto plain = drawn("--out plain-samples");
  const auto one = drawn("--out one --guidance 1");
  const auto two = drawn("--out two --guidance 2");
  EXPECT_EQ(image("one"), image("plain-samples"));
  EXPECT_NE(image("two"), image("plain-samples"));
  EXPECT_EQ(plain["evaluations"], 10);
  EXPECT_EQ(one["evaluations"], 10);
  EXPECT_EQ(two["evaluations"], 20);
  EXPECT_TRUE(plain["guidance"].is_null());
  EXPECT_EQ(two["guidance"], (nlohmann::json{{"scale", 2.0}}));
}

TEST_F(Guided, AnEarlierCheckpointGuides) {
  const std::string guide = "--guidance 1.5 --guide run/checkpoints/step_00000002.safetensors ";
  const auto record = drawn("--out guide " + guide);
  EXPECT_EQ(record["evaluations"], 20);
  EXPECT_EQ(record["guidance"]["guide"]["step"], 2);
  EXPECT_EQ(record["guidance"]["guide"]["weights"], "ema 0.5");
  EXPECT_EQ(drawn("--out raw --raw " + guide)["guidance"]["guide"]["weights"], "raw");
  const auto within = drawn("--out within --guidance-interval 0.3,5 " + guide);
  EXPECT_GT(within["evaluations"], 10);
  EXPECT_LT(within["evaluations"], 20);
  EXPECT_EQ(within["guidance"]["interval"], (nlohmann::json{0.3, 5.0}));
  EXPECT_NE(image("within"), image("guide"));
  // A model that knows no classes, or was never trained without them, can be guided by another.
  run("sample plain --count 2 --steps 2 --threads 1 --out by-other --guidance 2 --guide run");
}

TEST_F(Guided, SamplesOfAnotherGuidanceAreNotGoneOnWith) {
  drawn("--out kept --guidance 2");
  expect_refused("sample run --count 4 --steps 10 --threads 1 --precision float32 --out kept --guidance 3",
                 {"guidance", "--overwrite"});
  expect_refused("sample run --count 4 --steps 10 --threads 1 --precision float32 --out kept", {"guidance"});
  const auto again = drawn("--out kept --guidance 2");
  EXPECT_EQ(again["guidance"]["scale"], 2.0);
}

TEST_F(Guided, WhatCannotGuideIsRefusedBeforeAnythingIsDrawn) {
  const std::string sample = "sample run --count 1 --steps 2 --out refused ";
  expect_refused(sample + "--guide run", {"--guide has no effect without --guidance"});
  expect_refused(sample + "--guidance-interval 1,2", {"--guidance-interval has no effect without --guidance"});
  for (const char* interval : {"2,1", "1", "1,1", "a,b", "1,nan", "1,2,3"}) {
    expect_refused(sample + "--guidance 2 --guidance-interval " + interval, {"--guidance-interval", "LOW,HIGH"});
  }
  expect_refused(sample + "--guidance 2 --guidance-interval 1e5,inf", {"none of the steps"});
  expect_refused(sample + "--guidance -1", {"--guidance"});
  expect_refused(sample + "--guidance 2 --guide nowhere", {"--guide", "nowhere"});
  expect_refused(sample + "--guidance 2 --guide run", {"--guide: ", "own weights"});
  expect_refused(sample + "--guidance 2 --guide unconditional", {"--guide: ", "no classes", "expected"});
  expect_refused("sample plain --count 1 --steps 2 --out refused --guidance 2", {"--guidance: ", "class_dropout is 0"});
  expect_refused("sample unconditional --count 1 --steps 2 --out refused --guidance 2", {"no classes"});
  EXPECT_FALSE(exists("refused"));
}

TEST_F(Guided, SamplesThatAreJudgedAreDrawnAsTold) {
  run("train-features --data images --steps 2 --batch 4 --channels 8 --threads 1 --out features.safetensors");
  const std::string judge =
      "evaluate run --reference images --features features.safetensors --neighbours 1 --samples 4 "
      "--sample-steps 5 --sampler ancestral --threads 1 --precision float32 ";
  const auto model = json_of(judge + "--guidance 2")["sample_quality"]["protocol"]["model"];
  EXPECT_EQ(model["sampler"], "ancestral, guidance 2");
  EXPECT_EQ(model["evaluations"], 10);
  expect_refused(judge + "--guide run", {"--guide has no effect without --guidance"});
}

TEST_F(Guided, TheOrderOfASolverIsAWholeNumber) {
  EXPECT_TRUE(drawn("--out order --sampler dpm++")["order"].is_number_integer());
  EXPECT_TRUE(drawn("--out order-3 --sampler dpm++ --order 3")["order"].is_number_integer());
}

}  // namespace iddpm::test
