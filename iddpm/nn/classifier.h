#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "iddpm/core/tensor.h"
#include "iddpm/nn/classifier_options.h"
#include "iddpm/nn/module.h"

namespace iddpm {

/// Says what is in a noisy image, for guidance. A handle: copies share their parameters.
class NoisyClassifier {
 public:
  /// Parameters drawn as the published code does, from streams of `seed`. Throws Error if the options don't fit
  /// together (see `resolved`).
  explicit NoisyClassifier(ClassifierOptions options, std::uint64_t seed = 0);
  /// Parameters that are there: see UNet.
  NoisyClassifier(ClassifierOptions options, const NamedParameters& weights, const std::string& where);

  /// x_t [N, C, H, W], t [N] -> logits [N, classes], float32 (float64 if that is the compute type). Throws Error on a
  /// size that isn't divisible by the stride, or with the attention pool isn't the options'. `dropout_keys` [N] int64:
  /// dropout is on if and only if they are given.
  Tensor operator()(const Tensor& x_t, const Tensor& t, const Tensor& dropout_keys = {}) const;

  /// Names and shapes of the parameters, without making any. Throws Error as the constructor does.
  static NamedShapes parameter_shapes(const ClassifierOptions& options);

  /// The resolved options.
  const ClassifierOptions& options() const;
  NamedParameters parameters() const;

  /// See UNet.
  void set_compute_type(at::ScalarType type);
  at::ScalarType compute_type() const;
  void to(at::Device device);
  at::Device device() const;

 private:
  struct Layers;
  std::shared_ptr<Layers> layers_;
};

/// grad_{x_t} log p(y | x_t), [N, C, H, W], for classes y [N] int64. Throws Error on a class out of range.
Tensor log_probability_gradient(const NoisyClassifier& classifier, const Tensor& x_t, const Tensor& t, const Tensor& y);

}  // namespace iddpm
