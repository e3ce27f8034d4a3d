#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/data/dataset.h"
#include "iddpm/training/presets.h"

namespace iddpm::cli {

/// A preset and whatever of it the command line overrides.
struct ModelOptions {
  std::string preset;
  std::optional<std::string> image_size;  ///< "64" or "48x64" (height x width)
  std::optional<std::int64_t> image_channels;
  std::optional<std::int64_t> channels;
  std::optional<std::int64_t> residual_blocks;
  std::vector<double> channel_multipliers;
  std::vector<std::int64_t> attention_resolutions;
  bool no_attention = false;
  std::optional<std::int64_t> heads;
  std::optional<std::int64_t> head_channels;
  std::optional<std::int64_t> heads_upsample;
  std::optional<std::string> qkv_order;
  std::optional<double> dropout;
  std::optional<bool> scale_shift_norm;
  std::optional<bool> convolutional_resampling;
  std::optional<bool> residual_resampling;
  std::optional<bool> checkpointing;
  std::optional<std::string> schedule;
  std::optional<std::int64_t> diffusion_steps;
  std::optional<std::string> mean;
  std::optional<std::string> variance;
  std::optional<std::string> objective;
  std::optional<std::string> loss_weight;
  std::optional<double> loss_weight_floor;
  std::optional<double> snr_limit;
  std::optional<bool> rescale_timesteps;
  bool unconditional = false;
  bool class_conditional = false;
};

void add_model_options(CLI::App& verb, ModelOptions& options);

/// Height and width asked for by --image-size or the preset named; unset where the data's own size is meant.
struct ImageSize {
  std::optional<std::int64_t> height;
  std::optional<std::int64_t> width;
  std::optional<std::int64_t> channels;
};
ImageSize asked_image_size(const ModelOptions& options);

/// The preset with its overrides, fitted to a data set's image shape and classes (without one: to the preset's). Throws
/// Error where they don't go together.
Preset chosen_preset(const ModelOptions& options, const Dataset* dataset);

}  // namespace iddpm::cli
