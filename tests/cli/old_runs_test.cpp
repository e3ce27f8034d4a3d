// A run folder and its checkpoint as version 0.1.0 wrote them (format 2), made by
//   iddpm train --data images --run run --steps 2 --preset tiny --image-size 4 --image-channels 1 --channels 32
//     --multipliers 1 --no-attention --blocks 1 --heads 1 --batch 4 --diffusion-steps 20 --precision float32
//   iddpm sample run --count 2 --steps 4 --seed 7 --precision float32 --npz samples.npz

#include <gtest/gtest.h>

#include "iddpm/io/npz.h"
#include "iddpm/model/checkpoint.h"
#include "iddpm/model/run_folder.h"
#include "tests/cli/program.h"

namespace iddpm::test {
namespace {

namespace fs = std::filesystem;

class OldRun : public ::testing::Test {
 protected:
  OldRun() {
    fs::copy(fs::path(IDDPM_SOURCE_DIR) / "tests/cli/data/run_of_format_2", folder_ / "run",
             fs::copy_options::recursive);
  }

  TemporaryFolder folder_;
};

TEST_F(OldRun, IsDescribedAsItWas) {
  const fs::path file = folder_ / "run" / "checkpoints" / "step_00000002.safetensors";
  const Checkpoint checkpoint(file);
  checkpoint.verify();
  const ModelSettings& settings = checkpoint.info().settings;
  EXPECT_EQ(settings.network.image_height, 4);
  EXPECT_EQ(settings.network.channel_multipliers, std::vector<double>{1});
  EXPECT_EQ(settings.diffusion.mean, Mean::velocity);
  EXPECT_EQ(settings.diffusion.weighting.weight, LossWeight::simple);
  EXPECT_EQ(settings.class_names, (std::vector<std::string>{"dark", "light"}));
  // Settings are written as they were read, byte for byte, and with what has been added since.
  auto before = nlohmann::json::parse(SafetensorsFile(file).metadata().at("iddpm"));
  const auto add = [](nlohmann::json& written, auto defaults) {
    visit_fields(defaults, [&](const Field& field, const auto&) {
      if (!written.contains(field.name)) written[field.name] = nlohmann::json::parse(field.before);
    });
  };
  add(before["model"]["network"], UNetOptions());
  add(before["model"]["diffusion"], DiffusionSettings());
  EXPECT_EQ(nlohmann::json(settings).dump(), before.at("model").dump());
}

TEST_F(OldRun, DrawsTheSamplesThatItDrew) {
  const ProgramResult result = run_program(folder_.path(),
                                           "sample run --sampler ancestral --count 2 --steps 4 --seed 7 --threads 1 "
                                           "--precision float32 --out drawn --npz drawn.npz");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Tensor drawn = read_npz(folder_ / "drawn.npz", {"arr_0"}).front().second;
  const Tensor kept = read_npz(folder_ / "run" / "samples.npz", {"arr_0"}).front().second;
  ASSERT_EQ(drawn.sizes(), kept.sizes());
  // Another processor may round another way.
  EXPECT_LE((drawn.to(at::kInt) - kept.to(at::kInt)).abs().max().item<int>(), 1);
}

TEST_F(OldRun, GoesOn) {
  for (const std::string name : {"dark", "light"}) {
    for (int i = 0; i < 4; ++i) {
      const auto value = static_cast<std::uint8_t>(name == "dark" ? 20 + i : 200 + i);
      const Image image{.width = 4, .height = 4, .channels = 1, .pixels = std::vector<std::uint8_t>(16, value)};
      fs::create_directories(folder_ / "images" / name);
      write_png(folder_ / "images" / name / (std::to_string(i) + ".png"), image);
    }
  }
  const ProgramResult result = run_program(folder_.path(), "train --resume run --data images --steps 4 --threads 1");
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(Checkpoint(find_checkpoint(folder_ / "run")).info().step, 4);
}

}  // namespace
}  // namespace iddpm::test
