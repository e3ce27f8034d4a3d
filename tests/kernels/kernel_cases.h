#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <functional>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/kernels/kernel_options.h"

/// Helpers of the kernels' tests: the same operation by both paths, with gradients, and derivatives by finite
/// differences.
namespace iddpm::kernels::testing {

using Tensors = std::vector<Tensor>;
using Operation = std::function<Tensor(const Tensors&)>;

inline Tensor random(at::IntArrayRef shape, at::ScalarType type = at::kFloat) { return at::randn(shape).to(type); }

/// The result and the gradients of sum(result * direction) with respect to every floating-point input, by one path.
struct Outcome {
  Tensor result;
  Tensors gradients;
};

inline Outcome outcome(const Operation& operation, const Tensors& inputs, const Tensor& direction,
                       KernelOptions options) {
  const KernelScope scope(options);
  Tensors leaves;
  for (const Tensor& input : inputs) {
    const bool floating = input.defined() && at::isFloatingType(input.scalar_type());
    leaves.push_back(floating ? input.detach().requires_grad_(true) : input);
  }
  const Tensor result = operation(leaves);
  (result.to(at::kDouble) * direction).sum().backward();
  Outcome all{.result = result.detach(), .gradients = {}};
  for (const Tensor& leaf : leaves) all.gradients.push_back(leaf.defined() ? leaf.grad() : Tensor());
  return all;
}

/// |a - b| / (largest |b| + 1e-3), the largest over all elements.
inline double difference(const Tensor& a, const Tensor& b) {
  const Tensor expected = b.to(at::kDouble);
  return ((a.to(at::kDouble) - expected).abs().max() / (expected.abs().max() + 1e-3)).item<double>();
}

/// Expects the automatic path to agree with the reference on the same inputs in float64, results and gradients.
inline void expect_agreement(const Operation& operation, const Tensors& inputs, double tolerance,
                             KernelOptions options = {}) {
  Tensors exact;
  for (const Tensor& input : inputs) {
    const bool floating = input.defined() && at::isFloatingType(input.scalar_type());
    exact.push_back(floating ? input.to(at::kDouble) : input);
  }
  const at::NoGradGuard no_grad;
  const KernelScope plain({.path = KernelOptions::Path::reference});
  const Tensor direction = at::randn(operation(exact).sizes(), at::kDouble);
  at::AutoGradMode gradients(true);
  const Outcome expected = outcome(operation, exact, direction, {.path = KernelOptions::Path::reference});
  const Outcome actual = outcome(operation, inputs, direction, options);
  EXPECT_EQ(actual.result.scalar_type(), inputs[0].scalar_type());
  EXPECT_LE(difference(actual.result, expected.result), tolerance) << "result";
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!expected.gradients[i].defined()) continue;
    ASSERT_TRUE(actual.gradients[i].defined()) << "gradient of input " << i;
    EXPECT_EQ(actual.gradients[i].scalar_type(), inputs[i].scalar_type());
    EXPECT_LE(difference(actual.gradients[i], expected.gradients[i]), tolerance) << "gradient of input " << i;
  }
}

/// Expects the reference's gradients in float64 to be the finite differences of its results, along random directions.
inline void expect_finite_differences(const Operation& operation, const Tensors& inputs, double tolerance = 1e-6) {
  const KernelOptions plain{.path = KernelOptions::Path::reference};
  const KernelScope scope(plain);
  const Tensor direction = at::randn(operation(inputs).sizes(), at::kDouble);
  const Outcome exact = outcome(operation, inputs, direction, plain);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!exact.gradients[i].defined()) continue;
    const Tensor step = at::randn_like(inputs[i]);
    const double h = 1e-6;
    const auto value = [&](double sign) {
      Tensors moved = inputs;
      moved[i] = inputs[i] + sign * h * step;
      return (operation(moved) * direction).sum().item<double>();
    };
    const double expected = (value(1) - value(-1)) / (2 * h);
    EXPECT_NEAR((exact.gradients[i] * step).sum().item<double>(), expected, tolerance * (1 + std::abs(expected)))
        << "input " << i;
  }
}

/// Runs the body once for every instruction set that the vector kernels were compiled for and this processor has.
inline void for_each_instruction_set(const std::function<void()>& body) {
  const std::int64_t supported = hwy::SupportedTargets();
  for (std::int64_t target : {HWY_AVX3, HWY_AVX2, HWY_STATIC_TARGET}) {
    if (target != HWY_STATIC_TARGET && (supported & target) == 0) continue;
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
}

}  // namespace iddpm::kernels::testing
