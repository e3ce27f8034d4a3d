#include "iddpm/nn/attention_block.h"

#include "iddpm/nn/checkpointing.h"

namespace iddpm {

AttentionBlock::AttentionBlock(const ParameterScope& scope, const LayerPlan& plan, const UNetOptions& options)
    : norm_(plan.normalized
                ? std::optional<Normalization>(std::in_place, scope / "norm", plan.in_channels, normalization(options))
                : std::nullopt),
      qkv_(scope / "qkv", plan.in_channels, 3 * plan.in_channels, {.kernel = 1, .one_dimensional = true}),
      projection_(scope / "proj_out", plan.in_channels, plan.in_channels,
                  {.kernel = 1, .start = Start::zero, .one_dimensional = true}),
      heads_(plan.heads),
      divisor_(plan.divisor),
      order_(options.qkv_order) {
  if (options.checkpointing) checkpointed_parameters_ = scope.parameters();
}

Tensor AttentionBlock::operator()(const Tensor& x) const {
  if (checkpointed_parameters_.empty()) return evaluate(x);
  return checkpointed([block = *this](const std::vector<Tensor>& inputs) { return block.evaluate(inputs[0]); }, {x},
                      checkpointed_parameters_);
}

Tensor AttentionBlock::evaluate(const Tensor& x) const {
  const Tensor qkv = qkv_(norm_ ? (*norm_)(x) : x).flatten(2);  // [N, 3 C, H W]
  const Tensor sum = projection_.add_to(x, kernels::attention(qkv, heads_, order_).reshape(x.sizes()));
  return divisor_ == 1.0 ? sum : sum / divisor_;
}

}  // namespace iddpm
