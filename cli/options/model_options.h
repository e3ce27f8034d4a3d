#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/options/field_options.h"
#include "iddpm/data/dataset.h"
#include "iddpm/training/presets.h"

namespace iddpm::cli {

/// A preset and whatever of it the command line overrides.
struct ModelOptions {
  std::string preset;
  std::optional<std::string> image_size;  ///< "64" or "48x64" (height x width)
  std::optional<std::int64_t> image_channels;
  FieldOptions network;    ///< of UNetOptions
  FieldOptions diffusion;  ///< of DiffusionSettings
  bool no_attention = false;
  bool unconditional = false;
  bool class_conditional = false;
};

void add_model_options(CLI::App& verb, ModelOptions& options);
/// Throws Error unless it is "64" or "48x64", as --image-size takes it.
void check_image_size(const std::string& text);

/// Height and width asked for by --image-size or the preset named; unset where the data's own size is meant.
struct ImageSize {
  std::optional<std::int64_t> height;
  std::optional<std::int64_t> width;
  std::optional<std::int64_t> channels;
};
ImageSize asked_image_size(const ModelOptions& options);

/// What a model that is there already lets change of itself.
enum class ModelChanges {
  none,         ///< a run that goes on
  fine_tuning,  ///< dropout (of classes too), checkpointing, the objective and its weighting, classes
};
/// The settings of a model that is there already, with the changes asked for. Throws Error naming the options given on
/// the command line of `verb` if they ask for another model, or for a preset other than `preset`.
ModelSettings changed_settings(const CLI::App& verb, const ModelOptions& options, const ModelSettings& model,
                               const std::string& preset, ModelChanges allowed);

/// The preset with its overrides, fitted to a data set's image shape and classes (without one: to the preset's). Throws
/// Error where they don't go together.
Preset chosen_preset(const ModelOptions& options, const Dataset* dataset);

}  // namespace iddpm::cli
