// Every verb on a tiny model, as a person would use it.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "iddpm/io/npz.h"
#include "tests/cli/background_program.h"
#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

namespace fs = std::filesystem;

class Verbs : public TinyRunTest {};

}  // namespace

TEST_F(Verbs, TrainLeavesARunFolder) {
  for (const char* name :
       {"run.json", "log.jsonl", "report.html", "tensorboard", "checkpoints/step_00000004.safetensors",
        "samples/step_00000002.png", "samples/step_00000004.png"}) {
    EXPECT_TRUE(fs::exists(at("run") / name)) << name;
  }
}

TEST_F(Verbs, ResumingGivesTheSameCheckpointAsTrainingOn) {
  run("train --data images --run whole --steps 8 --sample-every 0" + tiny_model);
  run("train --data images --run parts --steps 4 --sample-every 0" + tiny_model);
  run("train --resume parts --steps 8 --threads 1");
  const std::string name = "checkpoints/step_00000008.safetensors";
  EXPECT_EQ(text_of(at("whole") / name), text_of(at("parts") / name));
}

TEST_F(Verbs, DryRunTellsSizeAndSpeedAndWritesNothing) {
  const std::string text = run("train --data images --run dry --steps 100 --dry-run" + tiny_model);
  EXPECT_NE(text.find("Parameters"), std::string::npos);
  EXPECT_NE(text.find("Time per step"), std::string::npos);
  EXPECT_FALSE(fs::exists(at("dry")));
}

TEST_F(Verbs, SampleWritesImagesAGridAndAnArchive) {
  const auto record =
      nlohmann::json::parse(run("sample run --count 5 --steps 4 --seed 3 --out drawn --npz drawn.npz --json"));
  EXPECT_EQ(record["count"], 5);
  EXPECT_TRUE(fs::exists(at("drawn/grid.png")));
  EXPECT_TRUE(fs::exists(at("drawn/dark_000000.png")));
  EXPECT_TRUE(fs::exists(at("drawn/light_000001.png")));
  const auto arrays = read_npz(at("drawn.npz"));
  ASSERT_EQ(arrays.front().first, "arr_0");
  EXPECT_EQ(arrays.front().second.sizes(), at::IntArrayRef({5, 8, 8, 1}));
  EXPECT_EQ(arrays.front().second.scalar_type(), at::kByte);
}

TEST_F(Verbs, ASampleDoesNotDependOnTheBatchItIsDrawnIn) {
  run("sample run --count 6 --steps 4 --seed 9 --out together --precision float32");
  run("sample run --count 6 --steps 4 --seed 9 --batch 1 --out alone --precision float32");
  run("sample run --count 2 --first 4 --class dark --steps 4 --seed 9 --out last --precision float32");
  for (const char* name : {"dark_000004.png", "light_000005.png"}) {
    const Image a = read_image(at("together") / name);
    const Image b = read_image(at("alone") / name);
    for (std::size_t p = 0; p < a.pixels.size(); ++p) EXPECT_NEAR(a.pixels[p], b.pixels[p], 1) << name;
  }
  EXPECT_TRUE(fs::exists(at("last/dark_000004.png")));
}

TEST_F(Verbs, EvaluateMeasuresBitsPerDimension) {
  const auto result = nlohmann::json::parse(run("evaluate run --data images --json"));
  const auto& bits = result["bits_per_dimension"];
  EXPECT_EQ(bits["images"], 12);
  EXPECT_EQ(bits["terms"].size(), 20U);
  double sum = bits["prior"];
  for (const double term : bits["terms"]) sum += term;
  EXPECT_NEAR(sum, bits["total"].get<double>(), 1e-6 * sum);
  EXPECT_GT(bits["total"].get<double>(), 0);
}

TEST_F(Verbs, InfoExplainsACheckpoint) {
  EXPECT_NE(run("info run").find("cosine"), std::string::npos);
  const auto json = nlohmann::json::parse(run("info run --json --tensors"));
  EXPECT_TRUE(json.contains("tensors"));
}

TEST_F(Verbs, ConvertReadsAPublishedCheckpoint) {
  const std::string golden = IDDPM_TEST_GOLDEN_DIR;
  const std::string flags =
      "--flags \"--image_size 32 --num_channels 32 --num_res_blocks 1 --learn_sigma True --diffusion_steps 100 "
      "--noise_schedule cosine\"";
  run("convert " + golden + "/checkpoint_0_improved.pt " + flags + " --out converted.safetensors");
  const std::string text = run("info converted.safetensors");
  EXPECT_NE(text.find("1,679,782"), std::string::npos) << text;
}

TEST_F(Verbs, FiguresWritesPicturesAndNumbers) {
  run("figures --out drawings --data images --model run");
  for (const char* name :
       {"alpha_bar.png", "alpha_bar.svg", "variance_ratio.json", "noising_strip.png", "vlb_terms.png"}) {
    EXPECT_TRUE(fs::exists(at("drawings") / name)) << name;
  }
  const auto ratios = nlohmann::json::parse(text_of(at("drawings/variance_ratio.json")));
  EXPECT_EQ(ratios["T = 100"].size(), 100U);
}

TEST_F(Verbs, BenchmarkPrintsOneObject) {
  const auto result =
      nlohmann::json::parse(run("benchmark --preset tiny --batch 2 --repetitions 1 --precision float32 --json"));
  for (const char* key : {"forward_seconds", "train_seconds", "peak_memory_bytes"}) {
    EXPECT_GT(result[key].get<double>(), 0) << key;
  }
}

TEST_F(Verbs, ReportIsOneFile) {
  run("report run");
  const std::string html = text_of(at("run/report.html"));
  EXPECT_NE(html.find("<svg"), std::string::npos);
  EXPECT_EQ(html.find("src=\"http"), std::string::npos);
}

TEST_F(Verbs, AnInterruptedRunIsSavedAndSaysHowToGoOn) {
  BackgroundProgram training(
      folder(), "train --data images --run stopped --minutes 5 --log-every 1 --sample-every 0" + tiny_model);
  ASSERT_TRUE(training.wait_for("stopped/log.jsonl", "step")) << text_of(at("err"));
  training.send(SIGINT);
  EXPECT_EQ(training.exit_code(), 130) << text_of(at("err"));
  EXPECT_NE(text_of(at("err")).find("--resume stopped"), std::string::npos) << text_of(at("err"));
  EXPECT_EQ(run_program(folder(), "info stopped").exit_code, 0);
}

TEST_F(Verbs, EveryVerbHasHelpWithAnExample) {
  for (const char* verb : {"train", "sample", "evaluate", "train-features", "train-classifier", "respace", "reproduce",
                           "info", "convert", "export", "figures", "report", "benchmark"}) {
    EXPECT_NE(run(std::string(verb) + " --help").find(std::string("iddpm ") + verb), std::string::npos) << verb;
  }
}

}  // namespace iddpm::test
