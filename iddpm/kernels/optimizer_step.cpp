#include "iddpm/kernels/optimizer_step.h"

#include <cmath>

#include "iddpm/core/error.h"
#include "iddpm/kernels/cpu/channels_last.h"
#include "iddpm/kernels/cpu/parallel.h"
#include "iddpm/kernels/cpu/pointwise_vector.h"
#include "iddpm/kernels/kernel_options.h"
#include "iddpm/kernels/operation_timer.h"

namespace iddpm::kernels {
namespace {

bool is_fast(const Tensor& parameter, const Tensor& gradient, const Tensor& exp_avg, const Tensor& exp_avg_sq,
             std::span<const EmaTarget> averages) {
  const auto in_step = [&](const Tensor& value) {
    return value.device().is_cpu() && value.scalar_type() == at::kFloat && value.strides() == parameter.strides();
  };
  return kernel_options().path == KernelOptions::Path::automatic && in_step(parameter) &&
         parameter.is_non_overlapping_and_dense() && in_step(exp_avg) && in_step(exp_avg_sq) &&
         std::all_of(averages.begin(), averages.end(),
                     [&](const EmaTarget& target) { return in_step(target.average); }) &&
         cpu::is_fast_activation(gradient);
}

void fast_step(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_avg_sq,
               std::span<EmaTarget> averages, const AdamWStep& options) {
  const at::NoGradGuard no_grad;
  const double correction1 = 1.0 - std::pow(options.beta1, static_cast<double>(options.step));
  const double correction2 = 1.0 - std::pow(options.beta2, static_cast<double>(options.step));
  const AdamWFactors factors{.gradient_factor = static_cast<float>(options.gradient_factor),
                             .decay = static_cast<float>(1.0 - options.learning_rate * options.weight_decay),
                             .beta1 = static_cast<float>(options.beta1),
                             .one_minus_beta1 = static_cast<float>(1.0 - options.beta1),
                             .beta2 = static_cast<float>(options.beta2),
                             .one_minus_beta2 = static_cast<float>(1.0 - options.beta2),
                             .step_size = static_cast<float>(options.learning_rate / correction1),
                             .inverse_correction = static_cast<float>(1.0 / std::sqrt(correction2)),
                             .epsilon = static_cast<float>(options.epsilon)};
  const Tensor in_order =
      gradient.strides() == parameter.strides()
          ? gradient
          : at::empty_strided(parameter.sizes(), parameter.strides(), gradient.options()).copy_(gradient);
  constexpr std::int64_t block = 4096;
  const std::int64_t count = parameter.numel();
  cpu::for_type_of(in_order, [&](auto type) {
    using T = decltype(type);
    parallel_for((count + block - 1) / block, [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t at = begin * block;
      std::vector<AverageFactors> targets;
      for (const EmaTarget& target : averages) {
        targets.push_back({.average = target.average.data_ptr<float>() + at,
                           .rate = static_cast<float>(target.rate),
                           .one_minus_rate = static_cast<float>(1.0 - target.rate)});
      }
      adamw<T>(parameter.data_ptr<float>() + at, cpu::elements<const T>(in_order) + at, exp_avg.data_ptr<float>() + at,
               exp_avg_sq.data_ptr<float>() + at, targets.data(), static_cast<std::int64_t>(targets.size()), factors,
               std::min(end * block, count) - at);
    });
  });
  // Written behind LibTorch's back: weights prepared from these values must not be used again.
  parameter.unsafeGetTensorImpl()->bump_version();
  for (EmaTarget& target : averages) target.average.unsafeGetTensorImpl()->bump_version();
}

}  // namespace

void adamw_step(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_avg_sq,
                std::span<EmaTarget> averages, const AdamWStep& options) {
  const TimedOperation timed(Operation::optimizer_step);
  require(options.step >= 1, "adamw_step: step is {}; expected to count from 1.", options.step);
  const auto require_like_parameter = [&](const char* name, const Tensor& value) {
    require(value.defined() && value.sizes() == parameter.sizes(),
            "adamw_step: {} has shape {}; expected the parameter's, {}.", name,
            value.defined() ? format_shape(value.sizes()) : "none", format_shape(parameter.sizes()));
  };
  require_like_parameter("gradient", gradient);
  require_like_parameter("exp_avg", exp_avg);
  require_like_parameter("exp_avg_sq", exp_avg_sq);
  for (const EmaTarget& target : averages) require_like_parameter("average", target.average);
  if (is_fast(parameter, gradient, exp_avg, exp_avg_sq, averages)) {
    fast_step(parameter, gradient, exp_avg, exp_avg_sq, averages, options);
  } else {
    reference::adamw_step(parameter, gradient, exp_avg, exp_avg_sq, averages, options);
  }
}

void adamw_steps(ParameterRows& rows, std::span<const double> rates, const AdamWStep& options) {
  const std::size_t count = rows.parameters.size();
  require(rows.gradients.size() == count && rows.exp_avg.size() == count && rows.exp_avg_sq.size() == count &&
              rows.averages.size() == rates.size(),
          "adamw_steps: the lists have different lengths.");
  if (count == 0) return;
  if (!rows.parameters.front().device().is_cpu() || kernel_options().path == KernelOptions::Path::reference) {
    const TimedOperation timed(Operation::optimizer_step);
    reference::adamw_steps(rows, rates, options);
    return;
  }
  std::vector<EmaTarget> targets(rates.size());
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < rates.size(); ++k) targets[k] = {rows.averages[k][i], rates[k]};
    adamw_step(rows.parameters[i], rows.gradients[i], rows.exp_avg[i], rows.exp_avg_sq[i], targets, options);
  }
}

namespace reference {

void adamw_step(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_avg_sq,
                std::span<EmaTarget> averages, const AdamWStep& options) {
  const at::NoGradGuard no_grad;
  const double correction1 = 1.0 - std::pow(options.beta1, static_cast<double>(options.step));
  const double correction2 = 1.0 - std::pow(options.beta2, static_cast<double>(options.step));
  const Tensor g = gradient.to(parameter.scalar_type()) * options.gradient_factor;
  parameter.mul_(1.0 - options.learning_rate * options.weight_decay);
  exp_avg.mul_(options.beta1).add_(g, 1.0 - options.beta1);
  exp_avg_sq.mul_(options.beta2).addcmul_(g, g, 1.0 - options.beta2);
  const Tensor denominator = exp_avg_sq.sqrt().div_(std::sqrt(correction2)).add_(options.epsilon);
  parameter.addcdiv_(exp_avg, denominator, -options.learning_rate / correction1);
  for (EmaTarget& target : averages) target.average.mul_(target.rate).add_(parameter, 1.0 - target.rate);
}

void adamw_steps(ParameterRows& rows, std::span<const double> rates, const AdamWStep& options) {
  const at::NoGradGuard no_grad;
  const double correction1 = 1.0 - std::pow(options.beta1, static_cast<double>(options.step));
  const double correction2 = 1.0 - std::pow(options.beta2, static_cast<double>(options.step));
  std::vector<Tensor> gradients = rows.gradients;
  for (std::size_t i = 0; i < gradients.size(); ++i) gradients[i] = gradients[i].to(rows.parameters[i].scalar_type());
  if (options.gradient_factor != 1.0) gradients = at::_foreach_mul(gradients, options.gradient_factor);
  if (options.weight_decay != 0.0) {
    at::_foreach_mul_(rows.parameters, 1.0 - options.learning_rate * options.weight_decay);
  }
  at::_foreach_mul_(rows.exp_avg, options.beta1);
  at::_foreach_add_(rows.exp_avg, gradients, 1.0 - options.beta1);
  at::_foreach_mul_(rows.exp_avg_sq, options.beta2);
  at::_foreach_addcmul_(rows.exp_avg_sq, gradients, gradients, 1.0 - options.beta2);
  std::vector<Tensor> denominators = at::_foreach_sqrt(rows.exp_avg_sq);
  at::_foreach_div_(denominators, std::sqrt(correction2));
  at::_foreach_add_(denominators, options.epsilon);
  at::_foreach_addcdiv_(rows.parameters, rows.exp_avg, denominators, -options.learning_rate / correction1);
  for (std::size_t k = 0; k < rates.size(); ++k) {
    at::_foreach_mul_(rows.averages[k], rates[k]);
    at::_foreach_add_(rows.averages[k], rows.parameters, 1.0 - rates[k]);
  }
}

}  // namespace reference
}  // namespace iddpm::kernels
