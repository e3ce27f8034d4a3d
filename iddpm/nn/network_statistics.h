#pragma once

#include <cstdint>

#include "iddpm/core/tensor.h"
#include "iddpm/nn/unet_options.h"

namespace iddpm {

/// Arithmetic of one image's forward pass by kind of operation, in GFLOP (a multiplication and an addition count as
/// two). A backward pass costs about twice as much. Norms, SiLU, softmax and sums are bound by memory, not counted.
struct ForwardCost {
  double convolution_3x3 = 0;
  double convolution_1x1 = 0;  ///< skip connections; the projections around attention
  double attention = 0;        ///< the products of queries and keys, and of weights and values
  double linear = 0;           ///< of the embedding

  double total() const { return convolution_3x3 + convolution_1x1 + attention + linear; }
};

/// What a network costs at its options' image size.
struct NetworkStatistics {
  std::int64_t parameters = 0;
  ForwardCost forward;
  /// Bytes per image that a training step keeps from forward to backward: the inputs of norms, convolutions and
  /// attention, once each, in the compute type (with checkpointing, the blocks' inputs and the largest block's share).
  /// An estimate: temporary results and LibTorch's own bookkeeping come on top.
  std::int64_t activation_bytes = 0;
  /// Bytes per image that a forward pass without gradients holds at its peak: what is kept for the skip connections,
  /// and a layer's input and output. A lower estimate, as above.
  std::int64_t forward_bytes = 0;
};

NetworkStatistics network_statistics(const UNetOptions& options, at::ScalarType compute_type = at::kFloat);

}  // namespace iddpm
