#pragma once

#include <span>
#include <vector>

#include "iddpm/core/tensor.h"

/// One step of the optimiser, with everything that follows it: on a CPU in one pass over a parameter's memory, on a
/// device in one launch per operation for all parameters.
namespace iddpm::kernels {

/// An exponential moving average of the parameter: average = rate * average + (1 - rate) * parameter.
struct EmaTarget {
  Tensor average;
  double rate = 0.9999;
};

/// AdamW (Loshchilov & Hutter 2019, decoupled weight decay).
struct AdamWStep {
  std::int64_t step = 1;  ///< counts from 1; for the bias correction
  double learning_rate = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
  double gradient_factor = 1.0;  ///< multiplies the gradient: for clipping and for averaging over microbatches
};

/// With g = gradient_factor * gradient, in place:
///   parameter  -= learning_rate * weight_decay * parameter
///   exp_avg     = beta1 * exp_avg + (1 - beta1) * g
///   exp_avg_sq  = beta2 * exp_avg_sq + (1 - beta2) * g^2
///   parameter  -= learning_rate * (exp_avg / (1 - beta1^step)) / (sqrt(exp_avg_sq / (1 - beta2^step)) + epsilon)
/// and then each average moves towards the new parameter. All tensors have the parameter's shape; the gradient may have
/// another floating-point type. Records nothing for autograd.
void adamw_step(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_avg_sq,
                std::span<EmaTarget> averages, const AdamWStep& options);

/// The tensors of many parameters: row i of each list belongs to parameter i.
struct ParameterRows {
  std::vector<Tensor> parameters, gradients, exp_avg, exp_avg_sq;
  std::vector<std::vector<Tensor>> averages;  ///< one list for each average
};

/// The same for many parameters; `rates` has one number for each average.
void adamw_steps(ParameterRows& rows, std::span<const double> rates, const AdamWStep& options);

namespace reference {

/// The same in LibTorch's own operations, on any device.
void adamw_step(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_avg_sq,
                std::span<EmaTarget> averages, const AdamWStep& options);

/// The same for many parameters, in LibTorch's operations on lists: a device launches each of them once.
void adamw_steps(ParameterRows& rows, std::span<const double> rates, const AdamWStep& options);

}  // namespace reference
}  // namespace iddpm::kernels
