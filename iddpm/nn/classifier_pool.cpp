#include "iddpm/nn/classifier_pool.h"

#include <cmath>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

constexpr std::int64_t hidden_features = 2048;

std::int64_t pixels(const LayerPlan& layer) { return layer.height * layer.width; }

std::int64_t feature_count(const UNetLayout& layout) {
  std::int64_t features = out_channels(layout.middle_block);
  for (const BlockPlan& block : layout.input_blocks) features += out_channels(block);
  return features;
}

}  // namespace

AdaptivePool::AdaptivePool(const ParameterScope& scope, const UNetLayout& layout, const ClassifierOptions& options)
    : norm_(scope / "0", out_channels(layout.middle_block)),
      convolution_(scope / "3", out_channels(layout.middle_block), options.classes,
                   {.kernel = 1, .start = Start::zero}) {}

Tensor AdaptivePool::operator()(const Encoder::Features& features) const {
  return convolution_(norm_.silu(features.middle.to(norm_.type())).mean({2, 3}, /*keepdim=*/true)).flatten(1);
}

AttentionPool::AttentionPool(const ParameterScope& scope, const UNetLayout& layout, const ClassifierOptions& options)
    : norm_(scope / "0", out_channels(layout.middle_block)),
      positional_embedding_((scope / "2")
                                .add("positional_embedding",
                                     {out_channels(layout.middle_block), 1 + pixels(layout.middle_block.front())},
                                     normal(1.0 / std::sqrt(static_cast<double>(out_channels(layout.middle_block)))))),
      qkv_(scope / "2" / "qkv_proj", out_channels(layout.middle_block), 3 * out_channels(layout.middle_block),
           {.kernel = 1, .one_dimensional = true}),
      projection_(scope / "2" / "c_proj", out_channels(layout.middle_block), options.classes,
                  {.kernel = 1, .one_dimensional = true}),
      heads_(out_channels(layout.middle_block) / options.network.head_channels) {}

Tensor AttentionPool::operator()(const Encoder::Features& features) const {
  const Tensor pixels = norm_.silu(features.middle.to(norm_.type())).flatten(2);  // [N, C, H W]
  require(pixels.size(2) + 1 == positional_embedding_.size(1),
          "The classifier's attention pool sees {} places; expected {}: its images must have the options' size.",
          pixels.size(2), positional_embedding_.size(1) - 1);
  const Tensor places = at::cat({pixels.mean(2, /*keepdim=*/true), pixels}, 2) + positional_embedding_;
  const Tensor qkv = qkv_(places.unsqueeze(3)).squeeze(3);
  const Tensor attended = kernels::attention(qkv, heads_, kernels::QkvOrder::qkv_first);
  return projection_(attended.narrow(2, 0, 1).unsqueeze(3)).flatten(1);
}

SpatialPool::SpatialPool(const ParameterScope& scope, const UNetLayout& layout, const ClassifierOptions& options)
    : hidden_(scope / "0", feature_count(layout), hidden_features),
      norm_(options.pool == ClassifierPool::spatial_v2
                ? std::optional<Normalization>(std::in_place, scope / "1", hidden_features)
                : std::nullopt),
      out_(scope / (norm_ ? "3" : "2"), hidden_features, options.classes) {}

Tensor SpatialPool::operator()(const Encoder::Features& features) const {
  std::vector<Tensor> means;
  for (const Tensor& block : features.input_blocks) means.push_back(block.to(hidden_.type()).mean({2, 3}));
  means.push_back(features.middle.to(hidden_.type()).mean({2, 3}));
  const Tensor hidden = hidden_(at::cat(means, 1));
  return out_(norm_ ? norm_->silu(hidden) : at::relu(hidden));
}

PoolLayer make_pool(const ParameterScope& scope, const UNetLayout& layout, const ClassifierOptions& options) {
  switch (options.pool) {
    case ClassifierPool::adaptive:
      return AdaptivePool(scope, layout, options);
    case ClassifierPool::attention:
      return AttentionPool(scope, layout, options);
    case ClassifierPool::spatial:
    case ClassifierPool::spatial_v2:
      return SpatialPool(scope, layout, options);
  }
  fail("Classifier option pool has an unknown value ({}).", static_cast<int>(options.pool));
}

}  // namespace iddpm
