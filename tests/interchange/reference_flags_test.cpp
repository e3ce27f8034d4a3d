#include "iddpm/interchange/reference_flags.h"

#include <gtest/gtest.h>

#include "iddpm/nn/network_statistics.h"
#include "tests/nn/small_networks.h"

namespace iddpm {
namespace {

TEST(ReferenceFlags, ReadACommandLine) {
  const nlohmann::json flags = parse_reference_flags("--image_size 64  --learn_sigma=True\n--dropout 0.3");
  EXPECT_EQ(flags, nlohmann::json({{"image_size", "64"}, {"learn_sigma", "True"}, {"dropout", "0.3"}}));
  EXPECT_EQ(parse_reference_flags("  "), nlohmann::json::object());
  EXPECT_EQ(error_of([] { parse_reference_flags("image_size 64"); }),
            "The reference's flags have 'image_size'; expected --flag value.");
  EXPECT_EQ(error_of([] { parse_reference_flags("--image_size --lr 3"); }),
            "Flag --image_size has no value; expected --flag value.");
  EXPECT_EQ(error_of([] { parse_reference_flags("--lr 1 --lr 2"); }),
            "Flag --lr is given twice, with different values.");
}

TEST(ReferenceFlags, OfThePapersCifar10RunGiveItsNetwork) {
  const ReferenceUNet reference = reference_unet(
      ReferenceFamily::improved,
      parse_reference_flags("--image_size 32 --num_channels 128 --num_res_blocks 3 --learn_sigma True --dropout 0.3 "
                            "--diffusion_steps 4000 --noise_schedule cosine --lr 1e-4 --batch_size 128"));
  UNetOptions expected;
  expected.residual_blocks = 3;
  expected.dropout = 0.3;
  EXPECT_EQ(reference.network, resolved(expected));
  EXPECT_EQ(network_statistics(reference.network).parameters, 52'546'438);
  EXPECT_EQ(reference.diffusion, nlohmann::json({{"learn_sigma", true},
                                                 {"sigma_small", false},
                                                 {"diffusion_steps", 4000},
                                                 {"noise_schedule", "cosine"},
                                                 {"timestep_respacing", ""},
                                                 {"use_kl", false},
                                                 {"predict_xstart", false},
                                                 {"rescale_timesteps", true},
                                                 {"rescale_learned_sigmas", true}}));
  EXPECT_EQ(reference.other, nlohmann::json({{"lr", "1e-4"}, {"batch_size", "128"}}));
}

TEST(ReferenceFlags, OfGuidedDiffusionHaveItsOwnDefaults) {
  const ReferenceUNet reference = reference_unet(
      ReferenceFamily::guided,
      parse_reference_flags("--attention_resolutions 32,16,8 --class_cond True --diffusion_steps 1000 --image_size 512 "
                            "--learn_sigma True --noise_schedule linear --num_channels 256 --num_head_channels 64 "
                            "--num_res_blocks 2 --resblock_updown True --use_fp16 False --use_scale_shift_norm True"));
  const UNetOptions& network = reference.network;
  EXPECT_EQ(network.image_height, 512);
  EXPECT_EQ(network.channel_multipliers, std::vector<double>({0.5, 1, 1, 2, 2, 4, 4}));
  EXPECT_EQ(network.attention_resolutions, std::vector<std::int64_t>({32, 16, 8}));
  EXPECT_EQ(network.head_channels, 64);
  EXPECT_EQ(network.classes, 1000);
  EXPECT_EQ(network.qkv_order, kernels::QkvOrder::heads_first);
  EXPECT_TRUE(network.residual_resampling);
  EXPECT_FALSE(reference.diffusion.at("rescale_timesteps").get<bool>());
  EXPECT_FALSE(reference.diffusion.at("rescale_learned_sigmas").get<bool>());
  EXPECT_FALSE(reference.diffusion.contains("sigma_small"));
  EXPECT_EQ(reference.other, nlohmann::json({{"use_fp16", "False"}}));
}

TEST(ReferenceFlags, OfSuperResolutionNameTwoSizes) {
  const UNetOptions improved =
      reference_unet(ReferenceFamily::improved_sr, {{"large_size", 64}, {"small_size", 16}}).network;
  EXPECT_TRUE(improved.super_resolution);
  EXPECT_EQ(improved.image_width, 64);
  const UNetOptions guided = reference_unet(ReferenceFamily::guided_sr, {{"large_size", "512"}}).network;
  EXPECT_EQ(guided.channel_multipliers, std::vector<double>({1, 1, 2, 2, 4, 4}));
  EXPECT_EQ(error_of([] {
              reference_unet(ReferenceFamily::improved_sr, {{"image_size", 64}});
            }),
            "Flag --image_size is unknown to the family 'improved_sr'; expected flags of its published programs. Did "
            "you mean 'large_size'?");
}

TEST(ReferenceFlags, PassOverAttentionThatNoLevelHas) {
  // 64 / 48 rounds down to 1, and no level has 64 / 2 = 32 halvings or 64 / 128 = 0.
  const UNetOptions network =
      reference_unet(ReferenceFamily::improved, {{"attention_resolutions", "48,2,128,64"}}).network;
  EXPECT_EQ(network.attention_resolutions, std::vector<std::int64_t>({64}));
}

TEST(ReferenceFlags, OfTheClassifierHaveItsHeadsAndClasses) {
  const ReferenceClassifier reference = reference_classifier({{"classifier_depth", 4}, {"classifier_pool", "spatial"}});
  EXPECT_EQ(reference.classifier.classes, 1000);
  EXPECT_EQ(reference.classifier.pool, ClassifierPool::spatial);
  EXPECT_EQ(reference.classifier.network.head_channels, 64);
  EXPECT_EQ(reference.classifier.network.residual_blocks, 4);
  EXPECT_EQ(reference.classifier.network.attention_resolutions, std::vector<std::int64_t>({32, 16, 8}));
  EXPECT_EQ(error_of([] {
              reference_classifier({{"classifier_pool", "mean"}});
            }),
            "classifier's pool: expected one of adaptive, attention, spatial, spatial_v2, got \"mean\"");
}

TEST(ReferenceFlags, SayWhatIsWrong) {
  const auto error = [](const nlohmann::json& flags, ReferenceFamily family = ReferenceFamily::improved) {
    return error_of([&] { reference_unet(family, flags); });
  };
  EXPECT_EQ(error({{"num_chanels", 32}}),
            "Flag --num_chanels is unknown to the family 'improved'; expected flags of its published programs. Did you "
            "mean 'num_channels'?");
  EXPECT_EQ(error({{"num_channels", "many"}}), "Flag --num_channels is 'many'; expected an integer.");
  EXPECT_EQ(error({{"num_channels", 1.5}}), "Flag --num_channels is '1.5'; expected an integer.");
  EXPECT_EQ(error({{"learn_sigma", "maybe"}}), "Flag --learn_sigma is 'maybe'; expected True or False.");
  EXPECT_EQ(error({{"dropout", "nan"}}), "Flag --dropout is 'nan'; expected a number.");
  EXPECT_EQ(error({{"attention_resolutions", "16,"}}),
            "Flag --attention_resolutions is '16,'; expected positive integers with commas between them.");
  EXPECT_EQ(error({{"image_size", 128}}),
            "Flag --image_size is 128; expected one of 32, 64, 256, for which the family 'improved' has channel "
            "multipliers.");
  EXPECT_EQ(error({{"num_channels", 100}}),
            "Network option channel_multipliers has 1 at level 0, which makes 100 of 100 channels; expected a multiple "
            "of 32.");
  EXPECT_EQ(error(nlohmann::json::array()), "The reference's flags have JSON type array; expected an object.");
  EXPECT_EQ(error_of([] { parse_reference_family("improoved"); }),
            "The reference family is 'improoved'; expected improved, improved_sr, guided, guided_sr or classifier.");
}

}  // namespace
}  // namespace iddpm
