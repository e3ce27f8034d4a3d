#include "experiments/baselines/dcgan/transposed_convolution.h"

#include <torch/csrc/autograd/custom_function.h>

#include <array>

namespace iddpm::baselines {
namespace {

constexpr std::array<std::int64_t, 2> stride = {2, 2}, padding = {1, 1}, dilation = {1, 1}, output_padding = {0, 0};

// The gradients of y = conv2d(x, weight) with respect to x and weight, those that are asked for.
std::pair<Tensor, Tensor> convolution_gradients(const Tensor& dy, const Tensor& x, const Tensor& weight, bool of_x,
                                                bool of_weight) {
  auto [dx, dweight, dbias] =
      at::convolution_backward(dy, x, weight, at::OptionalIntArrayRef(), stride, padding, dilation,
                               /*transposed=*/false, output_padding, /*groups=*/1, {of_x, of_weight, false});
  return {dx, dweight};
}

class TransposedConvolution : public torch::autograd::Function<TransposedConvolution> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, const Tensor& weight) {
    context->save_for_backward({x, weight});
    const Tensor shape =
        at::empty({x.size(0), weight.size(1), 2 * x.size(2), 2 * x.size(3)},
                  x.options().requires_grad(c10::nullopt).memory_format(at::MemoryFormat::ChannelsLast));
    return convolution_gradients(x, shape, weight, true, false).first;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const Tensor dy = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    Tensor dx, dweight;
    if (context->needs_input_grad(0)) dx = at::conv2d(dy, weight, {}, stride, padding);
    if (context->needs_input_grad(1)) dweight = convolution_gradients(x, dy, weight, false, true).second;
    return {dx, dweight};
  }
};

}  // namespace

Tensor transposed_convolution(const Tensor& x, const Tensor& weight) { return TransposedConvolution::apply(x, weight); }

}  // namespace iddpm::baselines
