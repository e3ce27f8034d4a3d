#include "iddpm/interchange/published_checkpoints.h"

#include <algorithm>
#include <map>

namespace iddpm {
namespace {

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

bool has_flag(const nlohmann::json& flags, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return flags.contains(name); });
}

bool any_name(const Shapes& shapes, const std::string& part) {
  return std::any_of(shapes.begin(), shapes.end(),
                     [&](const auto& shape) { return shape.first.find(part) != std::string::npos; });
}

// Extent `axis` of a parameter; 0 if it isn't there.
std::int64_t extent(const Shapes& shapes, const std::string& name, std::size_t axis) {
  const auto found = shapes.find(name);
  return found != shapes.end() && found->second.size() > axis ? found->second[axis] : 0;
}

}  // namespace

const std::vector<PublishedCheckpoint>& published_checkpoints() {
  using enum ReferenceFamily;
  static const std::vector<PublishedCheckpoint> checkpoints = {
      // https://github.com/openai/improved-diffusion, README
      {"imagenet64_uncond_100M_1500K.pt", improved,
       "--image_size 64 --num_channels 128 --num_res_blocks 3 --learn_sigma True --diffusion_steps 4000 "
       "--noise_schedule cosine"},
      {"cifar10_uncond_50M_500K.pt", improved,
       "--image_size 32 --num_channels 128 --num_res_blocks 3 --learn_sigma True --dropout 0.3 --diffusion_steps 4000 "
       "--noise_schedule cosine"},
      {"imagenet64_cond_270M_250K.pt", improved,
       "--image_size 64 --num_channels 192 --num_res_blocks 3 --learn_sigma True --class_cond True --diffusion_steps "
       "4000 --noise_schedule cosine --rescale_learned_sigmas False --rescale_timesteps False"},
      {"upsample_cond_500K.pt", improved_sr,
       "--num_channels 192 --num_res_blocks 2 --learn_sigma True --class_cond True --diffusion_steps 4000 "
       "--noise_schedule linear --rescale_learned_sigmas False --rescale_timesteps False"},
      {"lsun_uncond_100M_1200K_bs128.pt", improved,
       "--image_size 256 --num_channels 128 --num_res_blocks 2 --num_heads 1 --learn_sigma True "
       "--use_scale_shift_norm False --attention_resolutions 16 --diffusion_steps 1000 --noise_schedule linear "
       "--rescale_learned_sigmas False --rescale_timesteps False"},
      {"lsun_uncond_100M_2400K_bs64.pt", improved,
       "--image_size 256 --num_channels 128 --num_res_blocks 2 --num_heads 1 --learn_sigma True "
       "--use_scale_shift_norm False --attention_resolutions 16 --diffusion_steps 1000 --noise_schedule linear "
       "--rescale_learned_sigmas False --rescale_timesteps False"},
      {"imagenet64_uncond_vlb_100M_1500K.pt", improved,
       "--image_size 64 --num_channels 128 --num_res_blocks 3 --learn_sigma True --diffusion_steps 4000 "
       "--noise_schedule cosine --use_kl True"},
      {"cifar10_uncond_vlb_50M_500K.pt", improved,
       "--image_size 32 --num_channels 128 --num_res_blocks 3 --learn_sigma True --dropout 0.3 --diffusion_steps 4000 "
       "--noise_schedule cosine --use_kl True"},
      // https://github.com/openai/guided-diffusion, README
      {"64x64_diffusion.pt", guided,
       "--attention_resolutions 32,16,8 --class_cond True --diffusion_steps 1000 --dropout 0.1 --image_size 64 "
       "--learn_sigma True --noise_schedule cosine --num_channels 192 --num_head_channels 64 --num_res_blocks 3 "
       "--resblock_updown True --use_new_attention_order True --use_scale_shift_norm True"},
      {"128x128_diffusion.pt", guided,
       "--attention_resolutions 32,16,8 --class_cond True --diffusion_steps 1000 --image_size 128 --learn_sigma True "
       "--noise_schedule linear --num_channels 256 --num_heads 4 --num_res_blocks 2 --resblock_updown True "
       "--use_scale_shift_norm True"},
      {"256x256_diffusion.pt", guided,
       "--attention_resolutions 32,16,8 --class_cond True --diffusion_steps 1000 --image_size 256 --learn_sigma True "
       "--noise_schedule linear --num_channels 256 --num_head_channels 64 --num_res_blocks 2 --resblock_updown True "
       "--use_scale_shift_norm True"},
      {"256x256_diffusion_uncond.pt", guided,
       "--attention_resolutions 32,16,8 --class_cond False --diffusion_steps 1000 --image_size 256 --learn_sigma True "
       "--noise_schedule linear --num_channels 256 --num_head_channels 64 --num_res_blocks 2 --resblock_updown True "
       "--use_scale_shift_norm True"},
      {"512x512_diffusion.pt", guided,
       "--attention_resolutions 32,16,8 --class_cond True --diffusion_steps 1000 --image_size 512 --learn_sigma True "
       "--noise_schedule linear --num_channels 256 --num_head_channels 64 --num_res_blocks 2 --resblock_updown True "
       "--use_scale_shift_norm True"},
      {"64_256_upsampler.pt", guided_sr,
       "--attention_resolutions 32,16,8 --class_cond True --diffusion_steps 1000 --large_size 256 --small_size 64 "
       "--learn_sigma True --noise_schedule linear --num_channels 192 --num_heads 4 --num_res_blocks 2 "
       "--resblock_updown True --use_scale_shift_norm True"},
      {"128_512_upsampler.pt", guided_sr,
       "--attention_resolutions 32,16 --class_cond True --diffusion_steps 1000 --large_size 512 --small_size 128 "
       "--learn_sigma True --noise_schedule linear --num_channels 192 --num_head_channels 64 --num_res_blocks 2 "
       "--resblock_updown True --use_scale_shift_norm True"},
      {"lsun_bedroom.pt", guided,
       "--attention_resolutions 32,16,8 --class_cond False --diffusion_steps 1000 --dropout 0.1 --image_size 256 "
       "--learn_sigma True --noise_schedule linear --num_channels 256 --num_head_channels 64 --num_res_blocks 2 "
       "--resblock_updown True --use_scale_shift_norm True"},
      {"lsun_cat.pt", guided,
       "--attention_resolutions 32,16,8 --class_cond False --diffusion_steps 1000 --dropout 0.1 --image_size 256 "
       "--learn_sigma True --noise_schedule linear --num_channels 256 --num_head_channels 64 --num_res_blocks 2 "
       "--resblock_updown True --use_scale_shift_norm True"},
      {"lsun_horse.pt", guided,
       "--attention_resolutions 32,16,8 --class_cond False --diffusion_steps 1000 --dropout 0.1 --image_size 256 "
       "--learn_sigma True --noise_schedule linear --num_channels 256 --num_head_channels 64 --num_res_blocks 2 "
       "--resblock_updown True --use_scale_shift_norm True"},
      {"lsun_horse_nodropout.pt", guided,
       "--attention_resolutions 32,16,8 --class_cond False --diffusion_steps 1000 --dropout 0.0 --image_size 256 "
       "--learn_sigma True --noise_schedule linear --num_channels 256 --num_head_channels 64 --num_res_blocks 2 "
       "--resblock_updown True --use_scale_shift_norm True"},
      {"64x64_classifier.pt", classifier,
       "--image_size 64 --classifier_depth 4 --learn_sigma True --diffusion_steps 1000 --noise_schedule cosine"},
      {"128x128_classifier.pt", classifier,
       "--image_size 128 --learn_sigma True --diffusion_steps 1000 --noise_schedule linear"},
      {"256x256_classifier.pt", classifier,
       "--image_size 256 --learn_sigma True --diffusion_steps 1000 --noise_schedule linear"},
      {"512x512_classifier.pt", classifier,
       "--image_size 512 --learn_sigma True --diffusion_steps 1000 --noise_schedule linear"},
  };
  return checkpoints;
}

std::optional<PublishedCheckpoint> find_published_checkpoint(const std::string& file_name) {
  for (const PublishedCheckpoint& checkpoint : published_checkpoints()) {
    if (file_name == checkpoint.file) return checkpoint;
  }
  return std::nullopt;
}

std::optional<ReferenceFamily> family_of_flags(const nlohmann::json& flags) {
  if (has_flag(flags, {"classifier_width", "classifier_depth", "classifier_attention_resolutions", "classifier_pool",
                       "classifier_resblock_updown", "classifier_use_scale_shift_norm"}) &&
      !has_flag(flags, {"num_channels", "num_res_blocks"})) {
    return ReferenceFamily::classifier;
  }
  const bool guided =
      has_flag(flags, {"num_head_channels", "channel_mult", "resblock_updown", "use_new_attention_order"});
  const bool super_resolution = has_flag(flags, {"large_size", "small_size"});
  if (super_resolution) return guided ? ReferenceFamily::guided_sr : ReferenceFamily::improved_sr;
  if (guided) return ReferenceFamily::guided;
  if (has_flag(flags, {"sigma_small"})) return ReferenceFamily::improved;
  return std::nullopt;
}

std::optional<ReferenceFamily> family_of_parameters(const NamedShapes& parameters) {
  const Shapes shapes(parameters.begin(), parameters.end());
  if (shapes.contains("out.2.positional_embedding")) return ReferenceFamily::classifier;
  if (!shapes.contains("input_blocks.0.0.weight")) return std::nullopt;
  const bool guided = !any_name(shapes, ".op.") && !any_name(shapes, ".conv.");
  const std::int64_t in = extent(shapes, "input_blocks.0.0.weight", 1), out = extent(shapes, "out.2.weight", 0);
  // The image and the low resolution go in, the mean and perhaps a variance come out: 6 -> 3 or 6, not 3 -> 3 or 6.
  const bool super_resolution = in == 6 && (out == 3 || out == 6);
  if (super_resolution) return guided ? ReferenceFamily::guided_sr : ReferenceFamily::improved_sr;
  if (guided) return ReferenceFamily::guided;
  return std::nullopt;
}

ReferenceFamily told_family(const nlohmann::json& flags, const NamedShapes& parameters) {
  const std::optional<ReferenceFamily> by_flags = family_of_flags(flags);
  const std::optional<ReferenceFamily> by_parameters = family_of_parameters(parameters);
  if (!by_flags) return by_parameters.value_or(ReferenceFamily::improved);
  // The flags of super-resolution have defaults, so they may all be left out; their weights then tell.
  if (*by_flags == ReferenceFamily::guided && by_parameters == ReferenceFamily::guided_sr) return *by_parameters;
  if (*by_flags == ReferenceFamily::improved_sr && by_parameters == ReferenceFamily::guided_sr) return *by_parameters;
  return *by_flags;
}

}  // namespace iddpm
