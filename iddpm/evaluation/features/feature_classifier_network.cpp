#include "iddpm/evaluation/features/feature_classifier_network.h"

#include <algorithm>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

constexpr std::int64_t groups = 8;       // of every normalisation, so all widths are multiples of it
constexpr std::int64_t last_extent = 4;  // the shorter side after the last stage, at most

void require_range(const char* name, std::int64_t value, std::int64_t least, std::int64_t most) {
  require(value >= least && value <= most, "feature classifier: expected {} from {} to {}, got {}", name, least, most,
          value);
}

// Channels of each stage: the features at the last one, half as many before each halving.
std::vector<std::int64_t> stage_widths(const FeatureClassifierOptions& options) {
  std::vector<std::int64_t> widths;
  std::int64_t width = options.features();
  for (std::int64_t side = std::min(options.image_height, options.image_width); side > last_extent || widths.empty();
       side = (side + 1) / 2) {
    widths.push_back(std::max(groups, width / groups * groups));
    width /= 2;
  }
  std::reverse(widths.begin(), widths.end());
  return widths;
}

}  // namespace

void check_options(const FeatureClassifierOptions& options) {
  require_range("an image height", options.image_height, 8, 1024);
  require_range("an image width", options.image_width, 8, 1024);
  require_range("image channels", options.image_channels, 1, 4);
  require_range("classes", options.classes, 2, 1'000'000);
  require_range("channels", options.channels, 8, 1024);
  require(options.channels % groups == 0, "feature classifier: expected channels divisible by {}, got {}", groups,
          options.channels);
}

FeatureClassifierNetwork::FeatureClassifierNetwork(const FeatureClassifierOptions& options, ParameterStore store)
    : options_((check_options(options), options)),
      store_(std::move(store)),
      classify_(ParameterScope(store_) / "classify", options.features(), options.classes) {
  const ParameterScope scope = ParameterScope(store_) / "stages";
  std::int64_t channels = options.image_channels;
  for (const std::int64_t width : stage_widths(options)) {
    const ParameterScope stage = scope / stages_.size();
    stages_.push_back({.halve = Convolution(stage / "halve", channels, width, {.stride = 2}),
                       .norm = add_norm(stage / "norm", width),
                       .residual = Convolution(stage / "residual", width, width),
                       .output_norm = add_norm(stage / "output_norm", width)});
    channels = width;
  }
}

FeatureClassifierNetwork::Norm FeatureClassifierNetwork::add_norm(const ParameterScope& scope, std::int64_t channels) {
  return {.weight = scope.add("weight", {channels}, constant(1.0)),
          .bias = scope.add("bias", {channels}, constant(0.0))};
}

Tensor FeatureClassifierNetwork::Norm::silu(const Tensor& x) const {
  return kernels::group_norm_silu(x, groups, weight, bias);
}

FeatureClassifierNetwork::Output FeatureClassifierNetwork::operator()(const Tensor& x) const {
  Tensor h = x;
  for (const Stage& stage : stages_) {
    h = stage.halve(h);
    h = stage.residual.add_to(h, stage.norm.silu(h));
    h = stage.output_norm.silu(h);
  }
  const Tensor features = h.mean({2, 3});
  return {.features = features, .logits = classify_(features)};
}

}  // namespace iddpm
