#pragma once

#include <string>
#include <vector>

#include "iddpm/io/safetensors.h"
#include "iddpm/nn/module.h"
#include "iddpm/nn/unet_options.h"

/// Parameters of our U-Net and of diffusers' UNet2DModel, one for the other.
namespace iddpm::diffusers {

/// How diffusers keeps what ours has as one parameter.
enum class WeightForm {
  same,
  pointwise,  ///< [out, in] for our [out, in, 1]
  qkv,        ///< query, key and value in three, for our one
  of_time     ///< a matrix whose columns are of sines and cosines
};

struct WeightPair {
  std::string ours;
  std::vector<std::string> theirs;  ///< one, or three in the form qkv
  WeightForm form = WeightForm::same;
};

/// Of a network of resolved options, in our order.
std::vector<WeightPair> weight_pairs(const UNetOptions& options);

/// Their weights as ours, in float32. The older names of attention's weights (query, key, value, proj_attn) are read
/// too. `sines_first` as in UNetConfig. Throws Error beginning with `where`, counting and naming what is missing,
/// unexpected or of another shape.
NamedTensors our_weights(const UNetOptions& options, bool sines_first, NamedTensors theirs, const std::string& where);

/// Ours as theirs, for a configuration that begins the embedding of t with cosines.
NamedTensors their_weights(const UNetOptions& options, const NamedTensors& ours);

}  // namespace iddpm::diffusers
