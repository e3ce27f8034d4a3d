#include "iddpm/interchange/known_options.h"

#include <nlohmann/json.hpp>
#include <set>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

// Those that an export writes, refuses by itself, or that say nothing of the network's function.
const std::set<std::string>& options_known_to_exports() {
  static const std::set<std::string> names = {"image_height",
                                              "image_width",
                                              "image_channels",
                                              "channels",
                                              "residual_blocks",
                                              "channel_multipliers",
                                              "attention_resolutions",
                                              "heads",
                                              "head_channels",
                                              "heads_upsample",
                                              "qkv_order",
                                              "scale_shift_norm",
                                              "convolutional_resampling",
                                              "residual_resampling",
                                              "classes",
                                              "dropout",
                                              "class_dropout",
                                              "predict_variance",
                                              "super_resolution",
                                              "low_resolution",
                                              "low_resolution_noise",
                                              "attention_upsample",
                                              "norm_groups",
                                              "norm_epsilon",
                                              "frequency_shift",
                                              "downsampling_pads_low_edges",
                                              "middle_attention",
                                              "middle_divisor",
                                              "center_input",
                                              "patch_size",
                                              "patch_transform",
                                              "checkpointing"};
  return names;
}

}  // namespace

void refuse_options_unknown_to_exports(const UNetOptions& options, const std::string& what) {
  const nlohmann::json chosen = fields_to_json(options), usual = fields_to_json(UNetOptions());
  for (const auto& [name, value] : chosen.items()) {
    require(options_known_to_exports().contains(name) || value == usual.at(name), ErrorKind::unsupported,
            "{} can't express the network option {} = {}", what, name, value.dump());
  }
}

}  // namespace iddpm
