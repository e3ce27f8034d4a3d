#pragma once

#include <optional>
#include <vector>

#include "iddpm/nn/block.h"
#include "iddpm/nn/unet_layout.h"

namespace iddpm {

/// What a U-Net and its half, the classifier of noisy images, share: the embedding of time and class, the input blocks
/// and the middle block.
class Encoder {
 public:
  Encoder(const ParameterScope& scope, const UNetLayout& layout, const UNetOptions& options);

  /// SiLU of the embedding, in the parameters' type: all that the blocks ever use of it. t [N]; y [N] or undefined, of
  /// which nothing is added where it is below 0.
  Tensor embedding(const Tensor& t, const Tensor& y) const;

  struct Features {
    std::vector<Tensor> input_blocks;  ///< the output of each
    Tensor middle;
  };
  /// x [N, C, H, W] in the parameters' type -> features of `compute_type`. The first convolution is computed in the
  /// parameters' type: at small t the noise in x is finer than a bfloat16 of x itself.
  Features operator()(const Tensor& x, const BlockCondition& condition, at::ScalarType compute_type) const;

 private:
  std::int64_t embedding_width_;
  double frequency_shift_;
  bool centers_input_;
  Linear time_1_;
  Linear time_2_;
  Tensor class_embedding_;  // [classes, 4 * channels], or undefined
  std::vector<Block> input_blocks_;
  Block middle_block_;
};

/// Throws Error unless x_t is [N, channels, H, W] with sides divisible by the network's stride and t is [N].
void check_network_input(const Tensor& x_t, const Tensor& t, const UNetOptions& options, at::Device device);

/// Throws Error unless y is [N] int64 with classes in least .. classes - 1.
void check_classes(const Tensor& y, std::int64_t images, std::int64_t classes, std::int64_t least = 0);

/// Throws Error unless the keys are undefined or [N] int64.
void check_dropout_keys(const Tensor& keys, std::int64_t images);

}  // namespace iddpm
