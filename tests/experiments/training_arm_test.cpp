#include "experiments/training_arm.h"

#include <gtest/gtest.h>

#include "iddpm/io/image_file.h"
#include "iddpm/model/draw.h"
#include "tests/expect_error.h"
#include "tests/temporary_folder.h"

namespace iddpm::experiments {
namespace {

// Sixteen grey pixels a side, as the preset tiny has.
Settings settings_with_images(const std::filesystem::path& folder) {
  for (const char* kind : {"dark", "light"}) {
    std::filesystem::create_directories(folder / "images" / kind);
    for (const int i : {1, 2}) {
      write_png(folder / "images" / kind / (std::to_string(i) + ".png"),
                {.width = 16, .height = 16, .channels = 1, .pixels = std::vector<std::uint8_t>(256, 9)});
    }
  }
  Settings settings;
  settings.data = folder / "images";
  settings.work = folder / "work";
  return settings;
}

class ArmText : public ::testing::Test {
 protected:
  TrainingArm parsed(const std::string& text) { return parse_arm(text, "tiny", bench_); }
  void refuses(const std::string& text, const std::vector<std::string>& words) {
    expect_error([&] { parsed(text); }, words);
  }

  TemporaryFolder folder_;
  Workbench bench_{settings_with_images(folder_.path())};
};

TEST_F(ArmText, WithoutOptionsIsThePreset) {
  const TrainingArm arm = parsed("plain:");
  EXPECT_EQ(arm.name, "plain");
  EXPECT_EQ(arm.preset.training, find_preset("tiny").training);
  EXPECT_EQ(arm.preset.model.diffusion, find_preset("tiny").model.diffusion);
  EXPECT_EQ(arm.preset.model.class_names, (std::vector<std::string>{"dark", "light"}));
  EXPECT_EQ(arm.sampling.sampler, default_sampler) << "as iddpm sample draws";
  EXPECT_EQ(arm.sampling.steps, default_steps(default_sampler, 100));
  EXPECT_EQ(parsed("old: --sampler ancestral").sampling.steps, default_steps("ancestral", 100));
}

TEST_F(ArmText, TakesOptionsOfNetworkProcessTrainingAndSampling) {
  const TrainingArm arm = parsed(
      "all: --channels 64 --multipliers 1,2 --loss-weight min_snr --lr 2e-4 --ema 0.9,0.99 --decay linear --flip "
      "--unconditional --sampler ddim --sample-steps 5 --guidance 1.5 --guide 2");
  EXPECT_EQ(arm.preset.model.network.channels, 64);
  EXPECT_EQ(arm.preset.model.network.channel_multipliers, (std::vector<double>{1, 2}));
  EXPECT_EQ(arm.preset.model.network.classes, 0);
  EXPECT_EQ(arm.preset.model.diffusion.weighting.weight, LossWeight::min_snr);
  EXPECT_EQ(arm.preset.training.learning_rate, 2e-4);
  EXPECT_EQ(arm.preset.training.ema_rates, (std::vector<double>{0.9, 0.99}));
  EXPECT_EQ(arm.preset.training.decay, LearningRateDecay::linear);
  EXPECT_TRUE(arm.preset.training.random_flip);
  EXPECT_EQ(arm.sampling.sampler, "ddim");
  EXPECT_EQ(arm.sampling.steps, "5");
  EXPECT_EQ(arm.sampling.guidance, 1.5);
  EXPECT_EQ(arm.guide, 2);
}

TEST_F(ArmText, ChangesThePresetThatIsNamedWhereverThatStands) {
  const TrainingArm arm = parsed("other: --batch 3 --preset tiny");
  EXPECT_EQ(arm.preset.training.batch, 3);
  refuses("large: --preset small", {"arm 'large'", "32 x 32", "16 x 16"});
}

TEST_F(ArmText, RefusesWhatItCantDo) {
  refuses("no colon", {"NAME: OPTIONS"});
  refuses("a/b: --flip", {"a name"});
  refuses("a: --bach 3", {"arm 'a'", "--bach", "--batch"});
  refuses("a: --batch", {"--batch", "a value"});
  refuses("a: --batch none", {"--batch", "none"});
  refuses("a: --seed 3", {"same seeds"});
  refuses("a: --guide 1", {"--guidance"});
  refuses("a: --guidance 2 --guide 5", {"--guide", "before the last of 5"});
  refuses("a: --guidance two", {"--guidance", "a number"});
  refuses("a: --sampler fastest", {"fastest"});
  refuses("a: --sample-steps 500", {"500"});
}

}  // namespace
}  // namespace iddpm::experiments
