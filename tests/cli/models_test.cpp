#include <fstream>

#include "tests/cli/program_test.h"

// Models of other programs, in every verb that takes one.
namespace iddpm::test {
namespace {

namespace fs = std::filesystem;

class Models : public ProgramTest {
 protected:
  static void SetUpTestSuite() {
    ProgramTest::SetUpTestSuite();
    fs::copy(std::string(IDDPM_TEST_GOLDEN_DIR) + "/pipeline_1_learned_sigma", at("pipeline"),
             fs::copy_options::recursive);
  }
};

TEST_F(Models, AFolderOfDiffusersIsExplained) {
  const std::string text = run("info pipeline");
  EXPECT_NE(text.find("16 x 16 RGB images of 10 classes"), std::string::npos) << text;
  EXPECT_NE(text.find("written by diffusers 0.40.0.dev0"), std::string::npos) << text;
  EXPECT_NE(text.find("--sampler ancestral --steps leading1000"), std::string::npos) << text;
  const auto json = nlohmann::json::parse(run("info pipeline --json --tensors"));
  EXPECT_EQ(json["model"]["diffusion"]["schedule"], "cosine");
  EXPECT_TRUE(json["tensors"].contains("model.time_embed.0.weight"));
}

TEST_F(Models, AFolderOfDiffusersIsDrawnFrom) {
  run("sample pipeline --count 2 --class 3 --sampler ancestral --steps leading2 --out drawn --threads 1");
  EXPECT_TRUE(exists("drawn/samples.json"));
  run("sample pipeline/unet/diffusion_pytorch_model.safetensors --count 1 --steps 1 --out by_file --threads 1");
}

TEST_F(Models, AnExportIsReadBackAndDrawsTheSameImages) {
  run("convert pipeline --to diffusers exported");
  for (const char* file : {"model_index.json", "unet/config.json", "scheduler/scheduler_config.json", "README.md"}) {
    EXPECT_TRUE(exists(std::string("exported/") + file)) << file;
  }
  for (const char* model : {"pipeline", "exported"}) {
    run(fmt::format("sample {0} --count 2 --steps 2 --seed 3 --npz {0}.npz --out {0}_images --threads 1", model));
  }
  EXPECT_EQ(text_of(at("pipeline.npz")), text_of(at("exported.npz")));
  expect_refused("convert pipeline --to diffusers exported", {"exported", "--overwrite"});
  expect_refused("convert pipeline --to diffusers", {"folder to write"});
  expect_refused("convert pipeline --to coreml elsewhere", {"coreml", "diffusers"});
  expect_refused("convert pipeline --to diffusers elsewhere --flags '--image_size 64'", {"--flags", "--to"});
}

TEST_F(Models, AFolderOfDiffusersIsTrainedFurther) {
  run("sample pipeline --count 6 --steps 1 --out data --threads 1");
  run("train --from pipeline --data data --labels prefix --run tuned --steps 1 --batch 2 --sample-every 0 --threads 1");
  const auto tuned = nlohmann::json::parse(run("info tuned --json"));
  EXPECT_EQ(tuned["model"]["network"]["norm_groups"], 16);
  EXPECT_EQ(tuned["step"], 1);
}

TEST_F(Models, AnotherKindOfFolderIsNamed) {
  fs::create_directories(at("latent"));
  std::ofstream(at("latent/model_index.json"))
      << R"({"_class_name": "LDMPipeline", "vqvae": ["diffusers", "VQModel"]})";
  for (const char* verb : {"info latent", "sample latent", "train --from latent --data pipeline"}) {
    expect_refused(verb, {"latent diffusion", "LDMPipeline"});
  }
}

}  // namespace
}  // namespace iddpm::test
