#include "iddpm/interchange/reference_defaults.h"

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

nlohmann::json improved_network() {
  return {{"image_size", 64},         {"num_channels", 128},
          {"num_res_blocks", 2},      {"num_heads", 4},
          {"num_heads_upsample", -1}, {"attention_resolutions", "16,8"},
          {"dropout", 0.0},           {"class_cond", false},
          {"use_checkpoint", false},  {"use_scale_shift_norm", true}};
}

nlohmann::json improved_diffusion() {
  return {{"learn_sigma", false},       {"sigma_small", false},      {"diffusion_steps", 1000},
          {"noise_schedule", "linear"}, {"timestep_respacing", ""},  {"use_kl", false},
          {"predict_xstart", false},    {"rescale_timesteps", true}, {"rescale_learned_sigmas", true}};
}

nlohmann::json guided_network() {
  nlohmann::json flags = improved_network();
  flags.update({{"num_head_channels", -1},
                {"channel_mult", ""},
                {"resblock_updown", false},
                {"use_fp16", false},
                {"use_new_attention_order", false}});
  return flags;
}

nlohmann::json guided_diffusion() {
  nlohmann::json flags = improved_diffusion();
  flags.erase("sigma_small");
  flags.update({{"rescale_timesteps", false}, {"rescale_learned_sigmas", false}});
  return flags;
}

/// The super-resolution programs name two sizes instead of one.
nlohmann::json super_resolution(nlohmann::json network) {
  network.erase("image_size");
  network.update({{"large_size", 256}, {"small_size", 64}});
  return network;
}

nlohmann::json classifier_network() {
  return {{"image_size", 64},
          {"classifier_use_fp16", false},
          {"classifier_width", 128},
          {"classifier_depth", 2},
          {"classifier_attention_resolutions", "32,16,8"},
          {"classifier_use_scale_shift_norm", true},
          {"classifier_resblock_updown", true},
          {"classifier_pool", "attention"}};
}

}  // namespace

ReferenceDefaults reference_defaults(ReferenceFamily family) {
  switch (family) {
    case ReferenceFamily::improved:
      return {improved_network(), improved_diffusion()};
    case ReferenceFamily::improved_sr: {
      nlohmann::json diffusion = improved_diffusion();
      diffusion.erase("sigma_small");
      return {super_resolution(improved_network()), diffusion};
    }
    case ReferenceFamily::guided:
      return {guided_network(), guided_diffusion()};
    case ReferenceFamily::guided_sr: {
      nlohmann::json network = super_resolution(guided_network());
      network.erase("channel_mult");
      network.erase("use_new_attention_order");
      return {network, guided_diffusion()};
    }
    case ReferenceFamily::classifier:
      return {classifier_network(), guided_diffusion()};
  }
  fail("A reference family has an unknown value ({}).", static_cast<int>(family));
}

const std::vector<std::string>& reference_other_flags() {
  static const std::vector<std::string> flags = {
      "data_dir",         "val_data_dir", "noised",        "iterations",        "anneal_lr",    "eval_interval",
      "schedule_sampler", "lr",           "weight_decay",  "lr_anneal_steps",   "batch_size",   "microbatch",
      "ema_rate",         "log_interval", "save_interval", "resume_checkpoint", "use_fp16",     "fp16_scale_growth",
      "clip_denoised",    "num_samples",  "use_ddim",      "model_path",        "base_samples", "classifier_path",
      "classifier_scale"};
  return flags;
}

}  // namespace iddpm
