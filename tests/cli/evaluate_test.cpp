// iddpm evaluate, train-features and the import of Inception's weights, as a person would use them.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "iddpm/evaluation/features/inception_features.h"
#include "iddpm/io/npz.h"
#include "iddpm/samplers/registry.h"
#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

namespace fs = std::filesystem;

class Evaluate : public TinyRunTest {
 protected:
  static void SetUpTestSuite() {
    TinyRunTest::SetUpTestSuite();
    write_npz(at("samples.npz"), {{"arr_0", pixels(10, 8)}});
    write_npz(at("large.npz"), {{"arr_0", pixels(4, 16)}});
    run("train-features --data images --steps 4 --batch 4 --channels 8 --threads 1 --out features.safetensors");
    run("train-features --data images --steps 4 --batch 4 --channels 8 --threads 1 --seed 1 --out other.safetensors");
  }

  // uint8 [N, H, W, 1] that look like noise.
  static Tensor pixels(std::int64_t count, std::int64_t size) {
    const Tensor numbers = at::arange(count * size * size, at::kDouble);
    return (at::sin(numbers * 12.9898) * 43758.5).remainder(256).to(at::kByte).view({count, size, size, 1});
  }
  static nlohmann::json json_of(const std::string& arguments) {
    return TinyRunTest::json_of(arguments + " --threads 1");
  }
};

const std::string against_images = " --reference images --features features.safetensors --neighbours 1,2";

}  // namespace

TEST_F(Evaluate, JudgesAnArchiveAgainstAFolder) {
  const auto record = json_of("evaluate samples.npz" + against_images);
  const auto& quality = record["sample_quality"];
  EXPECT_GT(quality["frechet_distance"].get<double>(), 0.0);
  EXPECT_TRUE(quality["kernel_distance"].is_number());
  ASSERT_EQ(quality["neighbours"].size(), 2U);
  EXPECT_EQ(quality["neighbours"][1]["k"], 2);
  EXPECT_EQ(quality["measurement_id"].get<std::string>().size(), 12U);
  const auto& protocol = quality["protocol"];
  EXPECT_EQ(protocol["images"]["source"], "samples.npz");
  EXPECT_EQ(protocol["images"]["count"], 10);
  EXPECT_EQ(protocol["reference"]["count"], 12);
  EXPECT_EQ(protocol["features"]["network"], "classifier of images");
  EXPECT_EQ(protocol["features"]["is_fid"], false);
  EXPECT_TRUE(protocol["model"].is_null());
}

TEST_F(Evaluate, ImagesAreAsGoodAsThemselves) {
  const auto quality = json_of("evaluate images" + against_images)["sample_quality"];
  EXPECT_NEAR(quality["frechet_distance"].get<double>(), 0.0, 1e-6);
  EXPECT_EQ(quality["neighbours"][0]["precision"], 1.0);
  EXPECT_EQ(quality["neighbours"][0]["recall"], 1.0);
}

TEST_F(Evaluate, NeverCallsAClassifiersDistanceFid) {
  const std::string text = run("evaluate samples.npz" + against_images);
  EXPECT_NE(text.find("Frechet distance"), std::string::npos) << text;
  EXPECT_NE(text.find("classifier of images"), std::string::npos) << text;
  EXPECT_NE(text.find("measurement "), std::string::npos) << text;
  EXPECT_EQ(text.find("\nFID"), std::string::npos) << text;
}

TEST_F(Evaluate, StatisticsStandForTheImagesTheyAreOf) {
  run("evaluate images --features features.safetensors --save-reference statistics.safetensors");
  const auto direct = json_of("evaluate samples.npz" + against_images)["sample_quality"];
  const auto stored = json_of(
      "evaluate samples.npz --reference statistics.safetensors --features features.safetensors "
      "--neighbours 1,2")["sample_quality"];
  EXPECT_EQ(stored["measurement_id"], direct["measurement_id"]);
  EXPECT_DOUBLE_EQ(stored["frechet_distance"].get<double>(), direct["frechet_distance"].get<double>());
  EXPECT_DOUBLE_EQ(stored["kernel_distance"].get<double>(), direct["kernel_distance"].get<double>());
  EXPECT_EQ(stored["neighbours"], direct["neighbours"]);
}

TEST_F(Evaluate, StatisticsOfOtherFeaturesAreRefused) {
  run("evaluate images --features other.safetensors --save-reference theirs.safetensors");
  expect_refused("evaluate samples.npz --reference theirs.safetensors --features features.safetensors",
                 {"theirs.safetensors", "features.safetensors", "SHA-256"});
  expect_refused("evaluate large.npz --reference theirs.safetensors --features other.safetensors", {"16, 16]"});
}

TEST_F(Evaluate, ImagesOfAnotherSizeThanTheFeaturesNeedAreRefused) {
  expect_refused("evaluate large.npz" + against_images, {"features.safetensors", "[N, 1, 8, 8]", "[1, 1, 16, 16]"});
  EXPECT_TRUE(json_of("evaluate large.npz --image-size 8" + against_images).contains("sample_quality"));
}

TEST_F(Evaluate, MeasuresAModelsLikelihoodAndItsSamplesInOneCall) {
  const auto record = json_of("evaluate run --data images --count 3 --steps 4 --samples 6 --sample-steps 5 --seed 2" +
                              against_images + " --json-file both.json");
  EXPECT_GT(record["bits_per_dimension"]["total"].get<double>(), 0.0);
  const auto& likelihood = record["bits_per_dimension"]["protocol"];
  const auto& samples = record["sample_quality"]["protocol"];
  EXPECT_EQ(likelihood["measurement"], "likelihood");
  EXPECT_EQ(likelihood["images"]["count"], 3);
  EXPECT_EQ(likelihood["model"]["steps"], 4);
  EXPECT_EQ(likelihood["model"]["original_steps"], 20);
  EXPECT_EQ(likelihood["model"]["evaluations"], 4);
  EXPECT_EQ(samples["model"]["evaluations"], 5);
  EXPECT_EQ(samples["images"]["count"], 6);
  EXPECT_TRUE(samples["model"]["sampler"].get<std::string>().starts_with(default_sampler)) << samples;
  EXPECT_EQ(samples["model"]["steps"], 5);
  EXPECT_EQ(samples["model"]["seed"], 2);
  EXPECT_EQ(samples["model"]["checkpoint_sha256"], likelihood["model"]["checkpoint_sha256"]);
  EXPECT_EQ(samples["model"]["checkpoint_sha256"].get<std::string>().size(), 64U);
  EXPECT_EQ(nlohmann::json::parse(text_of(at("both.json"))), record);

  fs::copy_file(at("both.json"), at("run/evaluation.json"));
  run("report run");
  const std::string report = text_of(at("run/report.html"));
  EXPECT_NE(report.find("Bits per dimension"), std::string::npos);
  EXPECT_NE(report.find("Frechet distance, features of classifier of images"), std::string::npos);
}

TEST_F(Evaluate, SamplesAreThoseThatSampleDraws) {
  run("sample run --count 6 --steps 5 --seed 2 --out drawn --npz drawn.npz --grid-only --precision float32 --threads "
      "1");
  const auto archive = json_of("evaluate drawn.npz" + against_images)["sample_quality"];
  const auto model = json_of("evaluate run --samples 6 --sample-steps 5 --seed 2 --precision float32" +
                             against_images)["sample_quality"];
  EXPECT_EQ(model["protocol"]["images"]["sha256"], archive["protocol"]["images"]["sha256"]);
  EXPECT_EQ(model["measurement_id"], archive["measurement_id"]);
}

TEST_F(Evaluate, ComparesResultsThatWereMeasuredAlike) {
  const std::string drawn = "evaluate run --samples 6" + against_images;
  run(drawn + " --sample-steps 3 --json-file few.json");
  const auto comparison =
      json_of(drawn + " --sample-steps 6 --json-file more.json --compare few.json")["comparison"]["sample_quality"];
  EXPECT_TRUE(comparison["figures"]["precision (k = 1)"].contains("other"));
  bool steps_differ = false;
  for (const auto& difference : comparison["differences"]) {
    steps_differ = steps_differ || difference.get<std::string>().starts_with("steps: ");
  }
  EXPECT_TRUE(steps_differ) << comparison;
  const std::string text = run("evaluate more.json --compare few.json");
  EXPECT_NE(text.find("frechet distance"), std::string::npos) << text;
  EXPECT_NE(text.find("steps: 6 and 3"), std::string::npos) << text;
}

TEST_F(Evaluate, ShowsThePixelsOfSamplesBesideTheReferences) {
  const auto pixels = json_of("evaluate samples.npz" + against_images)["sample_quality"]["pixels"];
  const auto& samples = pixels["samples"]["channels"][0];
  const Tensor values = Evaluate::pixels(10, 8).to(at::kDouble);
  EXPECT_EQ(pixels["samples"]["images"], 10);
  EXPECT_NEAR(samples["mean"].get<double>(), values.mean().item<double>(), 1e-9);
  EXPECT_NEAR(samples["spread"].get<double>(), values.std(false).item<double>(), 1e-9);
  EXPECT_NEAR(samples["black_share"].get<double>(), values.le(2).to(at::kDouble).mean().item<double>(), 1e-12);
  EXPECT_NEAR(samples["white_share"].get<double>(), values.ge(250).to(at::kDouble).mean().item<double>(), 1e-12);
  EXPECT_EQ(pixels["data"]["of"], "reference images");
  EXPECT_EQ(pixels["data"]["images"], 12);
  EXPECT_NEAR(pixels["brightness_difference"].get<double>(),
              std::abs(values.mean().item<double>() - pixels["data"]["channels"][0]["mean"].get<double>()) / 255.0,
              1e-9);
  const std::string text =
      run("evaluate run --samples 6 --sample-steps 3" + against_images + " --json-file shown.json");
  for (const std::string& shown : {text, run("evaluate shown.json")}) {
    EXPECT_NE(shown.find("\n6 samples"), std::string::npos) << shown;
    EXPECT_NE(shown.find("\nreference images  grey"), std::string::npos) << shown;
  }
}

TEST_F(Evaluate, ShowsThePixelsOfTheTrainingImagesWhereTheReferenceHoldsNone) {
  run("evaluate images --features features.safetensors --save-reference without.safetensors");
  const std::string against = " --reference without.safetensors --features features.safetensors --neighbours 1";
  const auto of_model = json_of("evaluate run --samples 6 --sample-steps 3" + against)["sample_quality"]["pixels"];
  EXPECT_EQ(of_model["data"]["of"], "training images");
  EXPECT_TRUE(of_model["brightness_difference"].is_number());
  const auto of_archive = json_of("evaluate samples.npz" + against)["sample_quality"]["pixels"];
  EXPECT_EQ(of_archive["samples"]["images"], 10);
  EXPECT_TRUE(of_archive["data"].is_null());
  EXPECT_TRUE(of_archive["brightness_difference"].is_null());
}

TEST_F(Evaluate, ReadsAndComparesResultsFromBeforeTheyHeldPixels) {
  auto record = json_of("evaluate samples.npz" + against_images);
  record["sample_quality"].erase("pixels");
  std::ofstream(at("old.json")) << record;
  EXPECT_EQ(run("evaluate old.json").find("reference images  grey"), std::string::npos);
  EXPECT_NE(run("evaluate samples.npz" + against_images + " --compare old.json").find("frechet distance"),
            std::string::npos);
  record["sample_quality"]["pixels"] = "bright";
  std::ofstream(at("broken.json")) << record;
  expect_refused("evaluate broken.json", {"broken.json", "pixels"});
}

TEST_F(Evaluate, RefusesToCompareWhatWasMeasuredDifferently) {
  run("evaluate samples.npz" + against_images + " --json-file all.json");
  const auto result = run_program(folder(), "evaluate samples.npz --reference-count 8" + against_images +
                                                " --compare all.json --json-file part.json");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.errors.find("images of the reference: 8 and 12"), std::string::npos) << result.errors;
  EXPECT_NE(result.output.find("Frechet distance"), std::string::npos) << "the result itself is told all the same";
  EXPECT_TRUE(fs::exists(at("part.json")));
  run("evaluate run --data images --count 2 --steps 2 --json-file likelihood.json");
  expect_refused("evaluate likelihood.json --compare nowhere.json", {"nowhere.json"});
  const auto unlike = run_program(folder(), "evaluate likelihood.json --compare all.json");
  EXPECT_NE(unlike.errors.find("nothing of what was measured"), std::string::npos) << unlike.errors;
}

TEST_F(Evaluate, AResultWhoseProtocolWasChangedIsRefused) {
  auto record = json_of("evaluate samples.npz" + against_images);
  record["sample_quality"]["protocol"]["images"]["count"] = 50000;
  std::ofstream(at("forged.json")) << record;
  expect_refused("evaluate samples.npz" + against_images + " --compare forged.json", {"forged.json", "measurement id"});
}

TEST_F(Evaluate, SaysWhatIsMissing) {
  expect_refused("evaluate run", {"--data", "--reference"});
  expect_refused("evaluate samples.npz --reference images", {"--features", "train-features"});
  expect_refused("evaluate samples.npz --data images", {"--data", "samples.npz"});
  expect_refused("evaluate nowhere", {"nowhere"});
  expect_refused("evaluate run --steps 5" + against_images, {"--steps 5", "--sample-steps"});
  expect_refused("evaluate run --count 5" + against_images, {"--count 5", "--samples"});
  expect_refused("evaluate samples.npz --reference images --features run/checkpoints/step_00000004.safetensors",
                 {"step_00000004.safetensors", "feature network"});
  expect_refused("train-features", {"--data"});
  const auto unlabelled = run_program(folder(), "train-features --data samples.npz --out none.safetensors");
  EXPECT_NE(unlabelled.exit_code, 0);
  EXPECT_NE(unlabelled.errors.find("at least 2 classes"), std::string::npos) << unlabelled.errors;
}

TEST_F(Evaluate, TrainFeaturesDoesNotReplaceAFile) {
  const std::string before = text_of(at("other.safetensors"));
  expect_refused("train-features --data images --out other.safetensors", {"other.safetensors", "--overwrite"});
  EXPECT_EQ(text_of(at("other.safetensors")), before);
}

TEST_F(Evaluate, ConvertKnowsThePublishedInceptionFileByNameSizeOrFlag) {
  std::ofstream(at(published_inception_file::name)) << "not it";
  expect_refused("convert " + std::string(published_inception_file::name), {"95628359", "of 6"});
  std::ofstream(at("renamed.pth")) << "not it";
  expect_refused("convert renamed.pth --inception", {"renamed.pth", "95628359"});
  fs::resize_file(at("renamed.pth"), published_inception_file::size);  // sparse
  expect_refused("convert renamed.pth", {"renamed.pth", published_inception_file::sha256});
  EXPECT_FALSE(fs::exists(at("renamed.safetensors")));
}

}  // namespace iddpm::test
