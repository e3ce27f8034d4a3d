#pragma once

#include <cstdint>

#include "iddpm/core/tensor.h"

/// The options of the operations, which their definition and every backend share.
namespace iddpm::kernels {

struct ConvolutionOptions {
  std::int64_t stride = 1;
  std::int64_t padding = 0;
};

/// Scale and shift of a conditioned normalisation, each [N, C]: norm(x) * (1 + scale) + shift. Both undefined: none.
struct ScaleShift {
  Tensor scale;
  Tensor shift;
};

/// What a dropout layer needs to draw its mask: a pure function of one key per image, the layer's number and the
/// element's position, so that masks don't depend on the batch size and are the same when a checkpointed block is
/// replayed.
struct DropoutOptions {
  double probability = 0.0;  ///< of dropping; 0: no dropout
  Tensor keys;               ///< [N] int64, one per image
  std::int64_t layer = 0;
  Tensor words;  ///< [2, N] of this layer, of what dropout_words() made for all layers; undefined: made from the keys
};

/// How the 3 * heads * width channels of a qkv projection are laid out: improved-diffusion splits heads before q, k, v
/// (each head's q, k, v lie together); guided-diffusion's "new order" splits q, k, v first.
enum class QkvOrder { heads_first, qkv_first };

}  // namespace iddpm::kernels
