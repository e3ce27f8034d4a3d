// iddpm train-classifier, and samples that it guides.

#include "tests/cli/background_program.h"
#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

class Classifier : public ProgramTest {
 protected:
  static void SetUpTestSuite() {
    ProgramTest::SetUpTestSuite();
    write_tiny_images(at("images"));
    run("train --data images --run run --steps 2 --sample-every 0 --lr 1e-2 --ema 0.5" + tiny_model);
    run(train + "--steps 3 --out classifier.safetensors");
  }

  inline static const std::string train =
      "train-classifier --data images --model run --batch 4 --channels 32 --blocks 1 --threads 1 ";
  inline static const std::string sample =
      "sample run --count 2 --steps 5 --threads 1 --precision float32 --sampler ddim ";
};

}  // namespace

TEST_F(Classifier, IsDescribedWithItsAccuracyByNoiseLevel) {
  const auto about = json_of("info classifier.safetensors");
  EXPECT_EQ(about["steps"], 3);
  EXPECT_EQ(about["class_names"], (nlohmann::json{"dark", "light"}));
  EXPECT_EQ(about["accuracy"].size(), 8U);
  EXPECT_EQ(about["accuracy_images"], 2) << "a tenth of twelve, rounded up";
  EXPECT_EQ(about["diffusion"]["steps"], 20);
  const std::string page = run("info classifier.safetensors --tensors");
  EXPECT_NE(page.find("noise level"), std::string::npos) << page;
  EXPECT_NE(page.find("out.0.weight"), std::string::npos) << page;
}

TEST_F(Classifier, GuidesSamples) {
  run(sample + "--out plain");
  const auto record = json_of(sample + "--out led --classifier classifier.safetensors --classifier-scale 50");
  EXPECT_EQ(record["evaluations"], 5);
  EXPECT_EQ(record["classifier_evaluations"], 5);
  EXPECT_EQ(record["guidance"]["scale"], 50.0);
  EXPECT_NE(text_of(at("led/dark_000000.png")), text_of(at("plain/dark_000000.png")));
  run(sample + "--out none --classifier classifier.safetensors --classifier-scale 0");
  EXPECT_EQ(text_of(at("none/dark_000000.png")), text_of(at("plain/dark_000000.png")));
}

TEST_F(Classifier, ThatDoesNotFitIsRefusedBeforeAnythingIsDrawn) {
  run("train --data images --run linear --steps 1 --sample-every 0 --schedule linear" + tiny_model);
  const std::string by = " --out refused --classifier classifier.safetensors ";
  expect_refused("sample linear --count 1 --steps 2" + by, {"classifier", "linear", "cosine"});
  expect_refused(sample + " --out refused --classifier-scale 2", {"--classifier-scale has no effect without"});
  expect_refused(sample + by + "--guidance 2", {"--classifier has no effect beside --guidance"});
  expect_refused(sample + " --out refused --classifier run/run.json", {"--classifier", "run.json"});
  expect_refused(sample + " --out refused --classifier nowhere", {"--classifier", "nowhere"});
  EXPECT_FALSE(exists("refused"));
}

TEST_F(Classifier, AnEndedTrainingGoesOnWithTheSameCommand) {
  const std::string much = train + "--steps 1000000 --save-every 1 --out long.safetensors ";
  {
    BackgroundProgram killed(folder(), much);
    ASSERT_TRUE(killed.wait_until([] { return exists("long.safetensors.unfinished"); })) << text_of(at("err"));
    killed.send(SIGKILL);
    EXPECT_EQ(killed.exit_code(), 128 + SIGKILL);
  }
  BackgroundProgram again(folder(), much);
  ASSERT_TRUE(again.wait_for("err", "Going on at step")) << text_of(at("err"));
  again.send(SIGINT);
  EXPECT_EQ(again.exit_code(), 130) << text_of(at("err"));
  EXPECT_NE(text_of(at("err")).find("Interrupted after step"), std::string::npos) << text_of(at("err"));
  EXPECT_FALSE(exists("long.safetensors"));
  expect_refused(with(much, "--batch 2"), {"training/batch differs", "--overwrite"});
  run(with(much, "--steps 2 --overwrite"));
  EXPECT_TRUE(exists("long.safetensors"));
  EXPECT_FALSE(exists("long.safetensors.unfinished"));
}

TEST_F(Classifier, WhatCannotBeTrainedIsRefused) {
  expect_refused("train-classifier --model run", {"--data"});
  expect_refused("train-classifier --data images", {"--model"});
  expect_refused(train + "--steps 3 --out classifier.safetensors", {"--out", "classifier.safetensors", "--overwrite"});
  expect_refused(with(train, "--channels 48 --out new"), {"48"});
  expect_refused(train + "--steps 0 --out new", {"--steps", "0"});
  run("train --data images --run unconditional --steps 1 --sample-every 0 --unconditional" + tiny_model);
  expect_refused("train-classifier --data images --model unconditional --out new", {"0 classes", "at least 2"});
  EXPECT_FALSE(exists("new"));
}

}  // namespace iddpm::test
