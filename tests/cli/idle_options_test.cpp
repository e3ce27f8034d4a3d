// Options that would have no effect in a combination are refused, by their names.

#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

class IdleOptions : public TinyRunTest {
 protected:
  static void SetUpTestSuite() {
    TinyRunTest::SetUpTestSuite();
    run("train-features --data images --steps 2 --batch 4 --channels 8 --threads 1 --out features.safetensors");
    run("evaluate run --data images --count 2 --steps 2 --threads 1 --json-file result.json");
    std::filesystem::create_directories(at("split/train"));
    std::filesystem::copy(at("images"), at("split/train"));
    std::filesystem::copy(at("images"), at("split/test"));
    std::ofstream(at("pt_inception-2015-12-05-6726825d.pth")) << "not it";
  }

  // Each of the options, put behind the command, is named by the refusal, which says why.
  static void expect_idle(const std::string& command, const std::vector<std::string>& options, const std::string& why) {
    for (const std::string& option : options) {
      const std::string refusal = refusal_in(folder(), command + " " + option);
      const std::string name = option.substr(0, option.find(' '));
      EXPECT_NE(refusal.find(name + " has no effect " + why), std::string::npos) << option << ": " << refusal;
    }
  }
};

}  // namespace

TEST_F(IdleOptions, OfEvaluateAreRefused) {
  const std::string of_images = "evaluate images --save-reference new --features features.safetensors";
  expect_idle("evaluate run --data images",
              {"--samples 5", "--sample-steps 5", "--sampler ddim", "--eta 0.5", "--start data",
               "--features features.safetensors"},
              "without --reference or --save-reference");
  expect_idle("evaluate run --data images", {"--reference-split test", "--reference-count 3", "--neighbours 3"},
              "without --reference");
  expect_idle("evaluate run --reference images --features features.safetensors",
              {"--labels none", "--csv x.csv", "--split test"}, "without --data");
  expect_idle(of_images, {"--neighbours 3", "--reference-split train", "--reference-count 4"}, "without --reference");
  expect_idle(of_images,
              {"--labels none", "--csv x.csv", "--steps 5", "--seed 1", "--samples 5", "--sample-steps 5",
               "--sampler ddim", "--eta 0.5", "--start data", "--ema 0.9", "--raw", "--precision float32"},
              "on images");
  expect_idle(
      "evaluate result.json",
      {"--data images", "--count 2", "--steps 2", "--batch 2", "--seed 1", "--reference images",
       "--features features.safetensors", "--neighbours 3", "--save-reference new", "--image-size 8", "--samples 5",
       "--sampler ddim", "--ema 0.9", "--raw", "--device cpu", "--threads 1", "--precision float32", "--background 1"},
      "on a stored result");
  expect_idle("evaluate run --data images", {"--overwrite"}, "without --json-file or --save-reference");
  EXPECT_FALSE(exists("new"));
}

TEST_F(IdleOptions, OfTheArchitectureAreRefused) {
  const std::string train = "train --data images --dry-run --preset tiny --threads 1";
  expect_idle(train + " --head-channels 16", {"--heads 2", "--heads-upsample 2"}, "with 16 channels per head");
  expect_idle(train + " --residual-resample true", {"--conv-resample true"}, "with --residual-resample");
}

TEST_F(IdleOptions, OfChurnAreRefused) {
  for (const char* option : {"--churn-min 0.1", "--churn-max 2", "--churn-noise 1.1"}) {
    const std::string refusal = refusal_in(folder(), std::string("sample run --sampler heun ") + option);
    EXPECT_NE(refusal.find("no effect without churn"), std::string::npos) << refusal;
  }
}

TEST_F(IdleOptions, OfRespaceAreRefused) {
  expect_idle("respace run",
              {"--labels none", "--csv x.csv", "--split test", "--background 1", "--device cpu", "--precision float32",
               "--threads 1", "--overwrite"},
              "without --data");
  for (const std::string option : {"--count 3", "--candidates 3", "--batch 3", "--seed 3"}) {
    EXPECT_NE(refusal_in(folder(), "respace run " + option).find("--data"), std::string::npos) << option;
  }
}

TEST_F(IdleOptions, OfTrainFeaturesAreRefused) {
  expect_idle("train-features --data split --out new", {"--held-out 0.5"}, "where the data have a test set");
}

TEST_F(IdleOptions, OfConvertAreRefused) {
  expect_idle("convert pt_inception-2015-12-05-6726825d.pth --out new",
              {"--flags '--image_size 32'", "--family guided", "--ema-file x.pt", "--ema-rate 0.9", "--step 5"},
              "on FID's Inception network");
  expect_idle("convert x.pt --out new", {"--ema-rate 0.9"}, "without --ema-file");
}

TEST_F(IdleOptions, OfFiguresAreRefused) {
  expect_idle("figures --out new", {"--labels none", "--csv x.csv", "--split test", "--background 1", "--image 2"},
              "without --data");
  expect_idle("figures --out new --data images",
              {"--count 3", "--ema 0.9", "--raw", "--device cpu", "--threads 1", "--precision float32"},
              "without --model");
  EXPECT_FALSE(exists("new"));
}

TEST_F(IdleOptions, OfBenchmarkAreRefused) {
  expect_idle("benchmark --checkpoint run",
              {"--preset tiny", "--channels 32", "--image-size 8", "--multipliers 1,1", "--mean v", "--unconditional",
               "--diffusion-steps 20", "--no-attention"},
              "with --checkpoint");
  expect_idle("benchmark --preset tiny --inputs x.npz", {"--batch 4"}, "with --inputs");
  expect_idle("benchmark --preset tiny", {"--overwrite"}, "without --outputs");
  expect_idle("benchmark --preset tiny", {"--class-conditional"}, "without data");
  expect_idle("benchmark --preset tiny --forward-only", {"--objective vlb", "--schedule linear", "--mean v"},
              "with --forward-only");
}

}  // namespace iddpm::test
