#pragma once

#include <cstdint>
#include <memory>

#include "iddpm/core/tensor.h"
#include "iddpm/nn/module.h"
#include "iddpm/nn/unet_options.h"

namespace iddpm {

/// What stands for the class of an image that the network is told none of: nothing is then added to the embedding of t.
inline constexpr std::int64_t no_class = -1;

/// What a network is told beside x_t and t.
struct Condition {
  Tensor y = {};                     ///< [N] int64 classes or no_class; needed if and only if the network has classes
  Tensor low_resolution = {};        ///< [N, C, h, w], for super-resolution
  Tensor low_resolution_noise = {};  ///< [N] floating-point: the standard deviation of its noise, where that varies
  Tensor dropout_keys = {};          ///< [N] int64, one per image: dropout is on if and only if this is given
};

/// The U-Net of the paper: predicts epsilon (and v) from x_t and t. A handle: copies share their parameters.
class UNet {
 public:
  /// Parameters drawn as the published code does (LibTorch's layer defaults; last convolutions of blocks and of the
  /// network zero), from streams of `seed`. Throws Error if the options don't fit together (see `resolved`) or ask for
  /// more parameters than any machine of today holds.
  explicit UNet(UNetOptions options, std::uint64_t seed = 0);

  /// x_t [N, C, H, W], t [N] (int64 or float, as the network was trained to see it) -> float32 [N, C or 2 C, H, W]
  /// (float64 if that is the compute type). Height and width need not be those of the options. Throws Error on a size
  /// that isn't divisible by the stride, a missing or unexpected condition, or a class out of range.
  Tensor operator()(const Tensor& x_t, const Tensor& t, const Condition& condition = {}) const;

  /// Names and shapes of the parameters, without making any: to be compared with a file before it is believed. Throws
  /// Error as the constructor does.
  static NamedShapes parameter_shapes(const UNetOptions& options);

  /// The resolved options.
  const UNetOptions& options() const;
  NamedParameters parameters() const;

  /// Activations' type: float32, bfloat16, (float64 for tests). Parameters stay in float32 (float64 if that is asked),
  /// and with them the first and the last convolution and the embedding of t.
  void set_compute_type(at::ScalarType type);
  at::ScalarType compute_type() const;
  /// Moves the parameters; those handed out before move too, and lose their gradients.
  void to(at::Device device);
  at::Device device() const;

 private:
  struct Layers;
  std::shared_ptr<Layers> layers_;
};

/// A network with its condition bound: callable as (x_t, t).
inline auto conditioned(UNet network, Condition condition) {
  return [network = std::move(network), condition = std::move(condition)](const Tensor& x_t, const Tensor& t) {
    return network(x_t, t, condition);
  };
}

}  // namespace iddpm
