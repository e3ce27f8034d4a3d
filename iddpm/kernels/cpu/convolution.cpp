#include "iddpm/kernels/cpu/convolution.h"

#include <torch/csrc/autograd/custom_function.h>

#include "iddpm/kernels/cpu/channels_last.h"
#include "iddpm/kernels/cpu/convolution_geometry.h"
#include "iddpm/kernels/cpu/onednn_convolution.h"
#include "iddpm/kernels/cpu/winograd.h"
#include "iddpm/kernels/kernel_options.h"
#include "iddpm/kernels/operation_timer.h"

namespace iddpm::kernels::cpu {

ConvolutionGeometry geometry_of(const Tensor& x, const Tensor& weight, bool bias, bool residual,
                                ConvolutionOptions options) {
  return {.images = x.size(0),
          .channels = x.size(1),
          .height = x.size(2),
          .width = x.size(3),
          .out_channels = weight.size(0),
          .kernel_height = weight.size(2),
          .kernel_width = weight.size(3),
          .stride = options.stride,
          .padding = options.padding,
          .bfloat16 = x.scalar_type() == at::kBFloat16,
          .bias = bias,
          .residual = residual};
}

namespace {

using Optional = c10::optional<Tensor>;  // autograd's functions refuse an undefined tensor as a plain argument

Optional optional(const Tensor& tensor) { return tensor.defined() ? Optional(tensor) : Optional(); }

Tensor as_float(const Tensor& tensor) {
  return tensor.defined() ? tensor.detach().to(at::kFloat).contiguous() : tensor;
}

/// Which of the two does a convolution, given what the forward pass was allowed?
bool uses_winograd(const ConvolutionGeometry& g, const Tensor& weight, bool keep_weight, bool allowed) {
  if (!allowed) return false;
  if (g.bfloat16 && !onednn::has_bfloat16()) return winograd::is_possible(g);
  return winograd::is_worthwhile(g, weight, keep_weight, onednn::has_fast_bfloat16());
}

Tensor convolution_forward(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual,
                           ConvolutionOptions options, bool keep_weight) {
  ConvolutionGeometry g = geometry_of(x, weight, bias.defined(), residual.defined(), options);
  const Tensor floats = as_float(weight), biases = as_float(bias);
  Tensor y = empty_channels_last(x, {g.images, g.out_channels, g.out_height(), g.out_width()});
  const Tensor addend = residual.defined() ? channels_last(residual.detach().to(x.scalar_type())) : residual;
  keep_weight = keep_weight && floats.data_ptr() == weight.data_ptr();  // not a converted copy
  if (uses_winograd(g, floats, keep_weight, kernel_options().winograd)) {
    const TimedOperation timed(Operation::winograd_convolution);
    winograd::forward(g, x, floats, biases, addend, y, keep_weight);
    return y;
  }
  const TimedOperation timed(Operation::direct_convolution);
  g.residual = g.residual && onednn::adds_residual();
  onednn::forward(g, x, floats, biases, addend, y, keep_weight);
  if (residual.defined() && !g.residual) y.add_(addend);
  return y;
}

class ConvolutionFunction : public torch::autograd::Function<ConvolutionFunction> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const Optional& bias, const Optional& residual, ConvolutionOptions options) {
    const Tensor input = channels_last(x);
    context->save_for_backward({input, weight});
    context->saved_data["stride"] = options.stride;
    context->saved_data["padding"] = options.padding;
    context->saved_data["winograd"] = kernel_options().winograd;
    context->saved_data["bias_type"] = bias ? static_cast<std::int64_t>(bias->scalar_type()) : std::int64_t{-1};
    context->saved_data["residual_type"] =
        residual ? static_cast<std::int64_t>(residual->scalar_type()) : std::int64_t{-1};
    return convolution_forward(input, weight, bias.value_or(Tensor()), residual.value_or(Tensor()), options,
                               /*keep_weight=*/false);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const std::int64_t bias_type = context->saved_data["bias_type"].toInt();
    const std::int64_t residual_type = context->saved_data["residual_type"].toInt();
    const ConvolutionGeometry g = geometry_of(
        x, weight, bias_type >= 0, /*residual=*/false,
        {.stride = context->saved_data["stride"].toInt(), .padding = context->saved_data["padding"].toInt()});
    const Tensor dy = channels_last(gradients[0].to(x.scalar_type())), floats = as_float(weight);
    const bool by_winograd = uses_winograd(g, floats, /*keep_weight=*/false, context->saved_data["winograd"].toBool());

    Tensor dx, dweight, dbias, dresidual;
    if (context->needs_input_grad(0)) {
      const TimedOperation timed(by_winograd ? Operation::winograd_convolution_backward_data
                                             : Operation::direct_convolution_backward_data);
      dx = empty_channels_last(x, x.sizes());
      (by_winograd ? winograd::backward_data : onednn::backward_data)(g, dy, floats, dx, /*keep_weight=*/false);
    }
    if (context->needs_input_grad(1)) {
      const TimedOperation timed(by_winograd ? Operation::winograd_convolution_backward_weights
                                             : Operation::direct_convolution_backward_weights);
      const auto float_options = x.options().dtype(at::kFloat).requires_grad(c10::nullopt);
      dweight = at::empty(weight.sizes(), float_options);
      if (bias_type >= 0) dbias = at::empty({g.out_channels}, float_options);
      (by_winograd ? winograd::backward_weights : onednn::backward_weights)(g, x, dy, dweight, dbias);
      dweight = dweight.to(weight.scalar_type());
    } else if (bias_type >= 0) {
      dbias = dy.to(at::kFloat).sum({0, 2, 3});
    }
    if (dbias.defined()) dbias = dbias.to(static_cast<at::ScalarType>(bias_type));
    if (residual_type >= 0) dresidual = gradients[0].to(static_cast<at::ScalarType>(residual_type));
    return {dx, dweight, dbias, dresidual, Tensor()};
  }
};

bool requires_grad(const Tensor& tensor) { return tensor.defined() && tensor.requires_grad(); }

}  // namespace

Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual,
                   ConvolutionOptions options) {
  const bool direct_only =
      !kernel_options().winograd || !winograd::is_possible(geometry_of(x, weight, false, false, options));
  if (x.scalar_type() == at::kBFloat16 && !onednn::has_bfloat16() && direct_only) {
    const Tensor wide = residual.defined() ? residual.to(at::kFloat) : residual;
    return convolution(x.to(at::kFloat), weight, bias, wide, options).to(at::kBFloat16);
  }
  const bool differentiated = at::GradMode::is_enabled() && (requires_grad(x) || requires_grad(weight) ||
                                                             requires_grad(bias) || requires_grad(residual));
  if (differentiated) return ConvolutionFunction::apply(x, weight, optional(bias), optional(residual), options);
  return convolution_forward(channels_last(x), weight, bias, residual, options, /*keep_weight=*/true);
}

}  // namespace iddpm::kernels::cpu
