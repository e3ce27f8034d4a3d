#include "experiments/baselines/dcgan/networks.h"

#include <cmath>

#include "experiments/baselines/dcgan/transposed_convolution.h"
#include "iddpm/core/error.h"
#include "iddpm/kernels/operations.h"

namespace iddpm::baselines {
namespace {

constexpr double epsilon = 1e-5;  // beside variances
constexpr double slope = 0.2;     // of leaky ReLU below 0
constexpr std::int64_t kernel = 4;

// How often the size is halved, and what is left.
struct Pyramid {
  std::int64_t levels = 0, height = 0, width = 0;
};

Pyramid pyramid(const DcganOptions& options) {
  constexpr std::int64_t smallest = 4;
  Pyramid result = {.height = options.image_height, .width = options.image_width};
  const auto can_halve = [](std::int64_t size) { return size % 2 == 0 && size / 2 >= smallest; };
  while (can_halve(result.height) && can_halve(result.width)) {
    ++result.levels;
    result.height /= 2;
    result.width /= 2;
  }
  return result;
}

// Channels after the size was halved so many times: 0 for the image.
std::int64_t channels_at(const DcganOptions& options, std::int64_t level) {
  return level == 0 ? options.image_channels : options.channels << (level - 1);
}

Normalisation add_normalisation(const ParameterScope& scope, std::int64_t channels) {
  return {.scale = scope.add("scale", {channels}, constant(1.0)),
          .shift = scope.add("shift", {channels}, constant(0.0))};
}

// DCGAN's choice for all weights.
Tensor add_weight(const ParameterScope& scope, at::IntArrayRef shape) {
  return scope.add("weight", shape, normal(0.02));
}

// Also fills mean and variance with the batch's, if they are defined.
Tensor batch_norm(const Tensor& x, const Normalisation& layer, const Tensor& mean = {}, const Tensor& variance = {}) {
  return at::batch_norm(x, layer.scale, layer.shift, mean, variance, /*training=*/true, /*momentum=*/1.0, epsilon,
                        /*cudnn_enabled=*/false);
}

}  // namespace

void check(const DcganOptions& options) {
  const auto in_range = [](const char* name, std::int64_t value, std::int64_t smallest, std::int64_t largest) {
    require(value >= smallest && value <= largest, "DCGAN's {}: expected {} to {}, got {}", name, smallest, largest,
            value);
  };
  in_range("image height", options.image_height, 8, 256);
  in_range("image width", options.image_width, 8, 256);
  require(options.image_height % 4 == 0 && options.image_width % 4 == 0,
          "DCGAN's image size: expected height and width divisible by 4, got {} x {}", options.image_height,
          options.image_width);
  in_range("image channels", options.image_channels, 1, 4);
  in_range("latent dimensions", options.latent, 1, 4096);
  in_range("channels", options.channels, 1, 1024);
  require(options.learning_rate > 0.0 && options.learning_rate <= 1.0,
          "DCGAN's learning rate: expected a number above 0, at most 1, got {}", options.learning_rate);
  require(options.beta_1 >= 0.0 && options.beta_1 < 1.0, "DCGAN's beta_1: expected a number in [0, 1), got {}",
          options.beta_1);
  require(options.average_rate > 0.0 && options.average_rate < 1.0,
          "DCGAN's average: expected a rate between 0 and 1, got {}", options.average_rate);
}

Generator::Generator(const DcganOptions& options, const ParameterScope& scope) {
  const Pyramid base = pyramid(options);
  height_ = base.height;
  width_ = base.width;
  const std::int64_t channels = channels_at(options, base.levels);
  projection_ = add_weight(scope / "projection", {height_ * width_ * channels, options.latent});
  normalised_.push_back(add_normalisation(scope / "projection" / "normalisation", channels));
  for (std::int64_t level = base.levels; level > 0; --level) {
    const ParameterScope layer = scope / "convolution" / static_cast<std::size_t>(base.levels - level);
    const std::int64_t out = channels_at(options, level - 1);
    convolutions_.push_back(add_weight(layer, {channels_at(options, level), out, kernel, kernel}));
    if (level > 1) {
      normalised_.push_back(add_normalisation(layer / "normalisation", out));
    } else {
      bias_ = layer.add("bias", {out}, constant(0.0));
    }
  }
}

Tensor Generator::run(const Tensor& z, const Normalise& normalise) const {
  // The projection's rows are in the order of channels-last.
  const Tensor rows = kernels::linear(z, projection_, Tensor());
  Tensor x = at::relu(normalise(rows.view({z.size(0), height_, width_, -1}).permute({0, 3, 1, 2}), 0));
  for (std::size_t i = 0; i + 1 < convolutions_.size(); ++i) {
    x = at::relu(normalise(transposed_convolution(x, convolutions_[i]), i + 1));
  }
  return at::tanh(transposed_convolution(x, convolutions_.back()) + bias_.view({1, -1, 1, 1}));
}

Tensor Generator::operator()(const Tensor& z) const {
  return run(z, [&](const Tensor& x, std::size_t layer) { return batch_norm(x, normalised_[layer]); });
}

std::vector<ChannelStatistics> Generator::statistics(const Tensor& z) const {
  const at::NoGradGuard no_gradients;
  std::vector<ChannelStatistics> result;
  run(z, [&](const Tensor& x, std::size_t layer) {
    result.push_back({.mean = at::zeros({x.size(1)}, x.options()), .variance = at::ones({x.size(1)}, x.options())});
    return batch_norm(x, normalised_[layer], result.back().mean, result.back().variance);
  });
  return result;
}

Tensor Generator::operator()(const Tensor& z, const std::vector<ChannelStatistics>& statistics) const {
  return run(z, [&](const Tensor& x, std::size_t layer) {
    const auto& [mean, variance] = statistics[layer];
    return at::batch_norm(x, normalised_[layer].scale, normalised_[layer].shift, mean, variance, /*training=*/false,
                          /*momentum=*/0.0, epsilon, /*cudnn_enabled=*/false);
  });
}

Discriminator::Discriminator(const DcganOptions& options, const ParameterScope& scope) {
  const Pyramid base = pyramid(options);
  for (std::int64_t level = 1; level <= base.levels; ++level) {
    const ParameterScope layer = scope / "convolution" / static_cast<std::size_t>(level - 1);
    const std::int64_t out = channels_at(options, level);
    convolutions_.push_back(add_weight(layer, {out, channels_at(options, level - 1), kernel, kernel}));
    if (level == 1) {
      first_bias_ = layer.add("bias", {out}, constant(0.0));
    } else {
      normalised_.push_back(add_normalisation(layer / "normalisation", out));
    }
  }
  const ParameterScope head = scope / "head";
  head_ = add_weight(head, {1, channels_at(options, base.levels), base.height, base.width});
  head_bias_ = head.add("bias", {1}, constant(0.0));
}

Tensor Discriminator::operator()(const Tensor& x) const {
  const auto halve = [](const Tensor& y, const Tensor& weight, const Tensor& bias) {
    return at::conv2d(y, weight, bias, /*stride=*/2, /*padding=*/1);
  };
  Tensor y =
      at::leaky_relu(halve(x.contiguous(at::MemoryFormat::ChannelsLast), convolutions_.front(), first_bias_), slope);
  for (std::size_t i = 1; i < convolutions_.size(); ++i) {
    y = at::leaky_relu(batch_norm(halve(y, convolutions_[i], Tensor()), normalised_[i - 1]), slope);
  }
  return at::conv2d(y, head_, head_bias_).flatten();
}

}  // namespace iddpm::baselines
