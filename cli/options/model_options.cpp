#include "cli/options/model_options.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "iddpm/core/error.h"

namespace iddpm::cli {
namespace {

constexpr const char* architecture_group = "Architecture (overrides the preset)";
constexpr const char* diffusion_group = "Diffusion process (overrides the preset)";

std::int64_t parse_extent(const std::string& text, const std::string& whole) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(error == std::errc{} && end == text.data() + text.size() && value >= 1 && value <= 8192,
          "--image-size: expected pixels from 1 to 8192 as SIZE or HEIGHTxWIDTH, got '{}'", whole);
  return value;
}

ImageSize parse_image_size(const std::string& text) {
  const auto separator = text.find('x');
  const std::int64_t height = parse_extent(text.substr(0, separator), text);
  const std::int64_t width = separator == std::string::npos ? height : parse_extent(text.substr(separator + 1), text);
  return {.height = height, .width = width, .channels = {}};
}

const Preset& base_preset(const ModelOptions& options) {
  return find_preset(options.preset.empty() ? "small" : options.preset);
}

template <typename Value>
void set_if(Value& target, const std::optional<Value>& value) {
  if (value) target = *value;
}

void override_network(UNetOptions& network, const ModelOptions& options) {
  set_if(network.channels, options.channels);
  set_if(network.residual_blocks, options.residual_blocks);
  if (!options.channel_multipliers.empty()) network.channel_multipliers = options.channel_multipliers;
  if (!options.attention_resolutions.empty()) network.attention_resolutions = options.attention_resolutions;
  if (options.no_attention) network.attention_resolutions.clear();
  set_if(network.heads, options.heads);
  set_if(network.head_channels, options.head_channels);
  set_if(network.heads_upsample, options.heads_upsample);
  if (options.qkv_order) {
    network.qkv_order =
        *options.qkv_order == "heads-first" ? kernels::QkvOrder::heads_first : kernels::QkvOrder::qkv_first;
  }
  set_if(network.dropout, options.dropout);
  set_if(network.scale_shift_norm, options.scale_shift_norm);
  set_if(network.convolutional_resampling, options.convolutional_resampling);
  set_if(network.residual_resampling, options.residual_resampling);
  set_if(network.checkpointing, options.checkpointing);
}

// The weight of the squared error that was chosen with a preset goes where it has no meaning; one that was asked for is
// checked with the rest of the settings.
void override_weighting(DiffusionSettings& diffusion, const ModelOptions& options) {
  LossWeighting& weighting = diffusion.weighting;
  const bool squared_error = diffusion.objective == Objective::simple || diffusion.objective == Objective::hybrid;
  if (options.loss_weight) {
    weighting.weight = parse_loss_weight(*options.loss_weight);
  } else if (!squared_error || diffusion.mean == Mean::previous_x) {
    weighting.weight = LossWeight::prediction;
  }
  const bool has_floor = weighting.weight != LossWeight::prediction && diffusion.mean != Mean::epsilon;
  require(has_floor || !options.loss_weight_floor,
          "--loss-weight-floor has no effect on a prediction of {} with the loss weight {}", name(diffusion.mean),
          name(weighting.weight));
  require(weighting.weight == LossWeight::min_snr || !options.snr_limit,
          "--snr-limit is of the loss weight min_snr; the loss weight is {}", name(weighting.weight));
  set_if(weighting.floor, options.loss_weight_floor);
  set_if(weighting.snr_limit, options.snr_limit);
}

void override_diffusion(DiffusionSettings& diffusion, const ModelOptions& options) {
  set_if(diffusion.schedule, options.schedule);
  set_if(diffusion.steps, options.diffusion_steps);
  if (options.mean) diffusion.mean = parse_mean(*options.mean);
  if (options.variance) diffusion.variance = parse_variance(*options.variance);
  set_if(diffusion.rescale_timesteps, options.rescale_timesteps);
  const bool learned = diffusion.variance == Variance::learned || diffusion.variance == Variance::learned_range;
  if (options.objective) {
    diffusion.objective = parse_objective(*options.objective);
  } else if (!learned && diffusion.objective == Objective::hybrid) {
    diffusion.objective = Objective::simple;  // there is no variance for the vb term to teach
  }
  override_weighting(diffusion, options);
}

void fit_classes(Preset& preset, const ModelOptions& options, const Dataset& dataset) {
  const auto& names = dataset.class_names();
  const bool wanted =
      options.class_conditional || preset.model.network.classes > 0 || (preset.classes_from_data && !names.empty());
  if (options.unconditional || !wanted) {
    preset.model.network.classes = 0;
    preset.model.class_names.clear();
    return;
  }
  require(!names.empty(),
          "{} needs classes, but the data have none; --labels says where they are, --unconditional goes without",
          options.class_conditional ? std::string("--class-conditional") : "preset '" + preset.name + "'");
  preset.model.network.classes = static_cast<std::int64_t>(names.size());
  preset.model.class_names = names;
}

}  // namespace

void add_model_options(CLI::App& verb, ModelOptions& options) {
  std::string names;
  for (const Preset& preset : presets()) names += (names.empty() ? "" : ", ") + preset.name;
  verb.add_option("--preset", options.preset, "Start from the choices of: " + names);
  const auto architecture = [&](const char* name, auto& value, const char* help) {
    return verb.add_option(name, value, help)->group(architecture_group);
  };
  architecture("--image-size", options.image_size, "SIZE or HEIGHTxWIDTH in pixels (default: the data's, at most 64)");
  architecture("--image-channels", options.image_channels, "1 grey, 3 RGB, 4 RGBA (default: the data's)")
      ->check(CLI::IsMember({1, 3, 4}));
  architecture("--channels", options.channels, "Channels of the first level");
  architecture("--blocks", options.residual_blocks, "Residual blocks per level");
  architecture("--multipliers", options.channel_multipliers, "Channel multiplier of each level: 1,2,2")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  architecture("--attention", options.attention_resolutions, "Sizes at which there is attention: 16,8")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb.add_flag("--no-attention", options.no_attention, "Attention in the middle only")->group(architecture_group);
  architecture("--heads", options.heads, "Attention heads");
  architecture("--head-channels", options.head_channels, "Channels per head, instead of --heads");
  architecture("--heads-upsample", options.heads_upsample, "Heads in the upsampling half (default: --heads)");
  architecture("--qkv-order", options.qkv_order, "heads-first or qkv-first")
      ->check(CLI::IsMember({"heads-first", "qkv-first"}));
  architecture("--dropout", options.dropout, "Probability of dropping an activation");
  architecture("--scale-shift-norm", options.scale_shift_norm,
               "true: the time embedding scales and shifts norms; false: it is added");
  architecture("--conv-resample", options.convolutional_resampling, "true: learned convolutions when resampling");
  architecture("--residual-resample", options.residual_resampling, "true: residual blocks that resample");
  architecture("--checkpointing", options.checkpointing,
               "true: recompute activations instead of keeping them (slower, less memory)");
  const auto diffusion = [&](const char* name, auto& value, const char* help) {
    return verb.add_option(name, value, help)->group(diffusion_group);
  };
  diffusion("--schedule", options.schedule, "cosine or linear");
  diffusion("--diffusion-steps", options.diffusion_steps, "T");
  diffusion("--mean", options.mean, "What the network predicts: v, epsilon, x_0 or previous_x");
  diffusion("--variance", options.variance, "learned_range, learned, fixed_small or fixed_large");
  diffusion("--objective", options.objective, "hybrid, simple, vlb or vlb_unscaled");
  diffusion("--loss-weight", options.loss_weight,
            "Weight of noise levels in the squared error: simple (as L_simple, whatever is predicted), min_snr, or "
            "prediction (the error of what is predicted, as it is)");
  diffusion("--loss-weight-floor", options.loss_weight_floor,
            "The least weight of v's squared error, which simple and min_snr take to 0 in pure noise (0.05)");
  diffusion("--snr-limit", options.snr_limit, "Of min_snr (5)");
  diffusion("--rescale-timesteps", options.rescale_timesteps, "true: the network sees t * 1000 / T");
  auto* unconditional = verb.add_flag("--unconditional", options.unconditional, "Ignore the data's classes");
  verb.add_flag("--class-conditional", options.class_conditional, "Use the data's classes")->excludes(unconditional);
}

ImageSize asked_image_size(const ModelOptions& options) {
  ImageSize size;
  if (!options.preset.empty()) {
    const UNetOptions& network = find_preset(options.preset).model.network;
    size = {network.image_height, network.image_width, network.image_channels};
  }
  if (options.image_size) {
    const ImageSize asked = parse_image_size(*options.image_size);
    size.height = asked.height;
    size.width = asked.width;
  }
  if (options.image_channels) size.channels = options.image_channels;
  return size;
}

Preset chosen_preset(const ModelOptions& options, const Dataset* dataset) {
  Preset preset = base_preset(options);
  UNetOptions& network = preset.model.network;
  const std::int64_t preset_height = network.image_height;
  const std::int64_t preset_width = network.image_width;
  if (dataset != nullptr) {
    const auto shape = dataset->image_shape();
    network.image_channels = shape[0];
    network.image_height = shape[1];
    network.image_width = shape[2];
    fit_classes(preset, options, *dataset);
  } else {
    const ImageSize size = asked_image_size(options);
    set_if(network.image_height, size.height);
    set_if(network.image_width, size.width);
    set_if(network.image_channels, size.channels);
    if (options.unconditional) network.classes = 0;
  }
  // Levels and attention were chosen for the preset's size: for another one, anew.
  if (network.image_height != preset_height || network.image_width != preset_width) {
    const std::int64_t shorter = std::min(network.image_height, network.image_width);
    const std::int64_t preset_shorter = std::min(preset_height, preset_width);
    network.channel_multipliers = default_channel_multipliers(shorter);
    if (shorter != preset_shorter) {
      network.attention_resolutions.clear();
      for (std::size_t level = 0; level < network.channel_multipliers.size(); ++level) {
        const std::int64_t resolution = shorter >> level;
        if (level > 0 && resolution <= 16 && resolution >= 4) network.attention_resolutions.push_back(resolution);
      }
    }
  }
  override_network(network, options);
  override_diffusion(preset.model.diffusion, options);
  const Variance variance = preset.model.diffusion.variance;
  network.predict_variance = variance == Variance::learned || variance == Variance::learned_range;
  network = resolved(network);
  return preset;
}

}  // namespace iddpm::cli
