#pragma once

#include "iddpm/nn/module.h"

namespace iddpm {

/// L2 norm of all gradients together. Parameters without one count as 0.
double gradient_norm(const NamedParameters& parameters);

/// What the gradient must be multiplied by so that its norm is at most `largest` (Pascanu et al. 2013, arXiv
/// 1211.5063); 1 if largest is 0.
double clipping_factor(double norm, double largest);

/// Releases the gradients when it goes out of scope, however that happens: no step begins with what another left.
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
