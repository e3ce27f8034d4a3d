#include "iddpm/kernels/optimizer_step.h"

#include <cmath>

#include "iddpm/core/error.h"

namespace iddpm::kernels {

void adamw_step(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_avg_sq,
                std::span<EmaTarget> averages, const AdamWStep& options) {
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
  reference::adamw_step(parameter, gradient, exp_avg, exp_avg_sq, averages, options);
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

}  // namespace reference
}  // namespace iddpm::kernels
