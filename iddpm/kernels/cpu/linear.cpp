#include "iddpm/kernels/cpu/linear.h"

#include <oneapi/dnnl/dnnl.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "iddpm/core/error.h"
#include "iddpm/kernels/operation_timer.h"

namespace iddpm::kernels::cpu {
namespace {

enum class Transpose : char { no = 'N', yes = 'T' };

/// a b with a and b, dense float32 matrices, transposed or not.
Tensor product(const Tensor& a, Transpose transpose_a, const Tensor& b, Transpose transpose_b) {
  const bool a_turned = transpose_a == Transpose::yes, b_turned = transpose_b == Transpose::yes;
  const std::int64_t rows = a.size(a_turned ? 1 : 0), depth = a.size(a_turned ? 0 : 1),
                     columns = b.size(b_turned ? 0 : 1);
  Tensor c = at::empty({rows, columns}, a.options().requires_grad(c10::nullopt));
  if (c.numel() == 0) return c;
  const auto leading = [](const Tensor& matrix) { return std::max<std::int64_t>(matrix.size(1), 1); };
  const dnnl_status_t status =
      dnnl_sgemm(static_cast<char>(transpose_a), static_cast<char>(transpose_b), rows, columns, depth, 1.0f,
                 a.data_ptr<float>(), leading(a), b.data_ptr<float>(), leading(b), 0.0f, c.data_ptr<float>(), columns);
  require(status == dnnl_success, "linear: oneDNN could not multiply {} and {} (status {}).", format_shape(a.sizes()),
          format_shape(b.sizes()), static_cast<int>(status));
  return c;
}

/// The values as a dense float32 matrix of `columns` columns.
Tensor matrix(const Tensor& values, std::int64_t columns) {
  const std::int64_t rows = columns == 0 ? 0 : values.numel() / columns;
  return values.to(at::kFloat).contiguous().view({rows, columns});
}

Tensor linear_forward(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const std::int64_t in = weight.size(1), out = weight.size(0);
  Tensor y = product(matrix(x, in), Transpose::no, matrix(weight, in), Transpose::yes);
  if (bias.defined()) y.add_(bias.to(at::kFloat));
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = out;
  return y.to(x.scalar_type()).view(shape);
}

class LinearFunction : public torch::autograd::Function<LinearFunction> {
 public:
  using Optional = c10::optional<Tensor>;  // an undefined tensor is not allowed as a plain argument

  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const Optional& bias_argument) {
    const Tensor bias = bias_argument.value_or(Tensor());
    context->save_for_backward({x, weight, bias});
    return linear_forward(x, weight, bias);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const TimedOperation timed(Operation::linear_backward);
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &bias = saved[2];
    const std::int64_t in = weight.size(1), out = weight.size(0);
    const Tensor dy = matrix(gradients[0], out);
    Tensor dx, dweight, dbias;
    if (context->needs_input_grad(0)) {
      dx = product(dy, Transpose::no, matrix(weight, in), Transpose::no).to(x.scalar_type()).view(x.sizes());
    }
    if (context->needs_input_grad(1)) {
      dweight = product(dy, Transpose::yes, matrix(x, in), Transpose::no).to(weight.scalar_type());
    }
    if (bias.defined()) dbias = dy.sum(0).to(bias.scalar_type());
    return {dx, dweight, dbias};
  }
};

bool is_dense_cpu(const Tensor& values) {
  return values.device().is_cpu() && values.layout() == at::kStrided && values.numel() > 0 &&
         (values.scalar_type() == at::kFloat || values.scalar_type() == at::kBFloat16);
}

}  // namespace

bool is_fast_linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return is_dense_cpu(x) && is_dense_cpu(weight) && (!bias.defined() || is_dense_cpu(bias));
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const bool differentiated = at::GradMode::is_enabled() &&
                              (x.requires_grad() || weight.requires_grad() || (bias.defined() && bias.requires_grad()));
  if (!differentiated) return linear_forward(x, weight, bias);
  return LinearFunction::apply(x, weight, bias.defined() ? LinearFunction::Optional(bias) : LinearFunction::Optional());
}

}  // namespace iddpm::kernels::cpu
