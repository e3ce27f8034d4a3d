#include "iddpm/training/presets.h"

#include <set>

#include "iddpm/interchange/reference_conversion.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

// The published command lines, as the flags of models of that name.
const std::vector<std::tuple<std::string, ReferenceFamily, std::string>> published = {
    {"imagenet64", ReferenceFamily::improved,
     "--image_size 64 --num_channels 128 --num_res_blocks 3 --learn_sigma True --diffusion_steps 4000 "
     "--noise_schedule cosine"},
    {"imagenet64-vlb", ReferenceFamily::improved,
     "--image_size 64 --num_channels 128 --num_res_blocks 3 --learn_sigma True --diffusion_steps 4000 "
     "--noise_schedule cosine --use_kl True"},
    {"cifar10", ReferenceFamily::improved,
     "--image_size 32 --num_channels 128 --num_res_blocks 3 --learn_sigma True --dropout 0.3 --diffusion_steps 4000 "
     "--noise_schedule cosine"},
    {"cifar10-vlb", ReferenceFamily::improved,
     "--image_size 32 --num_channels 128 --num_res_blocks 3 --learn_sigma True --dropout 0.3 --diffusion_steps 4000 "
     "--noise_schedule cosine --use_kl True"},
    {"imagenet64-cond", ReferenceFamily::improved,
     "--image_size 64 --num_channels 192 --num_res_blocks 3 --learn_sigma True --class_cond True "
     "--diffusion_steps 4000 --noise_schedule cosine --rescale_learned_sigmas False --rescale_timesteps False"},
    {"upsample256", ReferenceFamily::improved_sr,
     "--num_channels 192 --num_res_blocks 2 --learn_sigma True --class_cond True --diffusion_steps 4000 "
     "--noise_schedule linear --rescale_learned_sigmas False --rescale_timesteps False"},
    {"lsun-bedroom", ReferenceFamily::improved,
     "--image_size 256 --num_channels 128 --num_res_blocks 2 --num_heads 1 --learn_sigma True "
     "--use_scale_shift_norm False --attention_resolutions 16 --diffusion_steps 1000 --noise_schedule linear "
     "--rescale_learned_sigmas False --rescale_timesteps False"},
};

}  // namespace

TEST(Presets, AreSoundAndHaveDifferentNames) {
  std::set<std::string> names;
  for (const Preset& preset : presets()) {
    EXPECT_TRUE(names.insert(preset.name).second) << preset.name;
    EXPECT_EQ(error_of([&] { check(preset.model); }), "") << preset.name;
    EXPECT_EQ(error_of([&] { check(preset.training); }), "") << preset.name;
    EXPECT_FALSE(preset.summary.empty()) << preset.name;
  }
}

TEST(Presets, OfThePaperAreThePublishedCommandLines) {
  for (const auto& [name, family, flags] : published) {
    const Preset& preset = find_preset(name);
    const ModelSettings reference = reference_settings(family, parse_reference_flags(flags));
    EXPECT_EQ(nlohmann::json(preset.model.network), nlohmann::json(reference.network)) << name;
    EXPECT_EQ(nlohmann::json(preset.model.diffusion), nlohmann::json(reference.diffusion)) << name;
    EXPECT_EQ(preset.training.ema_rates, std::vector<double>{0.9999}) << name;
    EXPECT_EQ(preset.training.weight_decay, 0) << name;
    EXPECT_EQ(preset.training.gradient_clip, 0) << name;
    EXPECT_EQ(preset.training.warmup_steps, 0) << name;
    EXPECT_EQ(preset.training.timesteps,
              name.ends_with("-vlb") ? TimestepSampling::importance : TimestepSampling::uniform);
  }
}

TEST(Presets, HaveThePublishedNumbersOfParameters) {
  // In millions, as the paper and its README state them.
  const std::vector<std::pair<std::string, double>> millions = {
      {"cifar10", 52.5}, {"imagenet64", 120}, {"imagenet64-cond", 270}, {"upsample256", 280}};
  for (const auto& [name, expected] : millions) {
    const auto parameters = static_cast<double>(count(UNet::parameter_shapes(find_preset(name).model.network)));
    EXPECT_NEAR(parameters / 1e6, expected, 0.05 * expected) << name;
  }
}

TEST(Presets, ForSmallMachinesPredictVWithTheWeightOfLSimple) {
  for (const char* name : {"fashion-mnist", "small", "tiny"}) {
    const DiffusionSettings& diffusion = find_preset(name).model.diffusion;
    EXPECT_EQ(diffusion.mean, Mean::velocity) << name;
    EXPECT_EQ(diffusion.weighting, (LossWeighting{.weight = LossWeight::simple})) << name;
  }
}

TEST(Presets, OfAnUnknownNameAreAnErrorThatSuggests) {
  const std::string error = error_of([] { find_preset("cifar-10"); });
  EXPECT_TRUE(contains(error, "Did you mean 'cifar10'?")) << error;
  EXPECT_TRUE(contains(error, "fashion-mnist")) << error;
}

}  // namespace iddpm
