#pragma once

#include <vector>

#include "iddpm/nn/module.h"

namespace iddpm {

/// L2 norm of all gradients together, a float64 scalar on their device. Parameters without one count as 0.
Tensor gradient_norm(const NamedParameters& parameters);

/// What the gradient must be multiplied by so that its norm is at most `largest` (Pascanu et al. 2013, arXiv
/// 1211.5063); 1 if largest is 0.
double clipping_factor(double norm, double largest);

/// The gradients of a network's parameters in one piece of memory, made once and kept from step to step: a heap on
/// which the largest tensors stay where they are grows no gaps, and processes that train together have one row of
/// numbers to exchange.
class GradientBuffer {
 public:
  /// Takes the memory. The parameters' types and devices must stay as they are.
  explicit GradientBuffer(const NamedParameters& parameters);

  /// Makes the buffer, all 0, the parameters' gradients, whatever another user of the network left there.
  void start_anew();
  /// All gradients in the parameters' order in one row, with zeros between them.
  Tensor& row() { return row_; }
  /// Where in the row the gradient of a parameter begins.
  std::int64_t begin_of(std::size_t parameter) const { return places_[parameter].storage_offset(); }

 private:
  NamedParameters parameters_;
  Tensor row_;
  std::vector<Tensor> places_;  ///< in it, one per parameter
};

/// Releases the gradients when it goes out of scope, however that happens.
class GradientScope {
 public:
  explicit GradientScope(const NamedParameters& parameters) : parameters_(parameters) {}
  ~GradientScope();
  GradientScope(const GradientScope&) = delete;
  GradientScope& operator=(const GradientScope&) = delete;

 private:
  const NamedParameters& parameters_;
};

}  // namespace iddpm
