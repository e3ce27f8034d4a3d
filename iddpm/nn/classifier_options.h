#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "iddpm/nn/unet_options.h"

namespace iddpm {

/// How the half U-Net ends.
enum class ClassifierPool {
  adaptive,    ///< norm, SiLU, mean over the pixels, linear
  attention,   ///< norm, SiLU, one query (the mean) attends to the pixels; ties the network to its image size
  spatial,     ///< the means of every block's output, a hidden layer with ReLU
  spatial_v2,  ///< the same with norm and SiLU
};

/// Names for files and options: "adaptive", "attention", "spatial", "spatial_v2". The parser throws Error listing them.
std::string name(ClassifierPool pool);
ClassifierPool parse_classifier_pool(const std::string& name);

/// The first half of a U-Net as a classifier of noisy images (Dhariwal & Nichol 2021, arXiv 2105.05233, section 4).
struct ClassifierOptions {
  /// classes, class_dropout, predict_variance, super_resolution, augmentation_condition and the upsampling options have
  /// no meaning here.
  UNetOptions network;
  std::int64_t classes = 1000;
  ClassifierPool pool = ClassifierPool::attention;  ///< this one needs network.head_channels

  bool operator==(const ClassifierOptions&) const = default;
};

/// Options with everything chosen that was left open; throws Error naming the first that is out of range or doesn't fit
/// another (see resolved(UNetOptions)). What has no meaning here is set to "unused" values: no classes, no class
/// dropout, no variance, no super-resolution, heads_upsample 0.
ClassifierOptions resolved(ClassifierOptions options);

void to_json(nlohmann::json& json, const ClassifierOptions& options);
/// Strict: throws Error on unknown or missing keys and wrong types. The values are checked by `resolved`.
void from_json(const nlohmann::json& json, ClassifierOptions& options);
/// The same of a file whose network options are of an older format of model files (UNetOptions' fields).
ClassifierOptions classifier_options_of(const nlohmann::json& json, std::int64_t format);

}  // namespace iddpm
