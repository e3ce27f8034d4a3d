#include "iddpm/kernels/cpu/group_norm.h"

#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <vector>

#include "iddpm/kernels/cpu/channels_last.h"
#include "iddpm/kernels/cpu/group_norm_vector.h"
#include "iddpm/kernels/cpu/parallel.h"
#include "iddpm/kernels/operation_timer.h"

namespace iddpm::kernels::cpu {
namespace {

struct GroupNormSettings {
  std::int64_t groups;
  double epsilon;
  bool silu;
  double dropout_probability;
  std::int64_t layer;
};

/// The arguments in the form that the passes want: float32 arrays, scale and shift undefined or [N, C].
struct GroupNormArguments {
  Tensor x;  ///< channels-last
  Tensor weight, bias, scale, shift;
  Tensor keys;
};

Tensor float_array(const Tensor& values) { return values.defined() ? values.to(at::kFloat).contiguous() : values; }

PixelRange range_of(const Tensor& x, std::int64_t begin, std::int64_t end) {
  return {.begin = begin, .end = end, .channels = x.size(1), .pixels = pixel_count(x)};
}

NormActivation activation_of(const GroupNormSettings& settings, const GroupNormArguments& arguments,
                             std::int64_t image) {
  NormActivation activation{.silu = settings.silu, .dropout = {}};
  if (settings.dropout_probability > 0) {
    activation.dropout = {.words = dropout_words(arguments.keys.data_ptr<std::int64_t>()[image], settings.layer),
                          .threshold = dropout_threshold(settings.dropout_probability),
                          .scale = static_cast<float>(1.0 / (1.0 - settings.dropout_probability))};
  }
  return activation;
}

/// The affine factors of one image's channel, (1 + scale) * weight and (1 + scale) * bias + shift.
struct Affine {
  const float *weight, *bias, *scale = nullptr, *shift = nullptr;

  Affine(const GroupNormArguments& a, std::int64_t image)
      : weight(a.weight.data_ptr<float>()), bias(a.bias.data_ptr<float>()) {
    if (!a.scale.defined()) return;
    scale = a.scale.data_ptr<float>() + image * a.weight.numel();
    shift = a.shift.data_ptr<float>() + image * a.weight.numel();
  }
  float conditional(std::int64_t c) const { return scale != nullptr ? 1.0f + scale[c] : 1.0f; }
  float gain(std::int64_t c) const { return weight[c] * conditional(c); }
  float offset(std::int64_t c) const { return bias[c] * conditional(c) + (shift != nullptr ? shift[c] : 0.0f); }
};

/// Calls body(image, parallel), images shared among the threads where there are enough of them; else images one by one,
/// with parallel(pass) sharing each pass(begin, end, part) over the pixels.
constexpr std::int64_t fewest_pixels_per_thread = 64;

class ImageLoop {
 public:
  explicit ImageLoop(const Tensor& x)
      : images_(x.size(0)),
        pixels_(pixel_count(x)),
        threads_(parallel_threads()),
        by_image_(images_ >= 2 * threads_ || images_ % threads_ == 0 || pixels_ < fewest_pixels_per_thread * threads_) {
  }

  /// How many parts an image's pixels are cut into.
  int parts() const { return by_image_ ? 1 : threads_; }

  template <typename Body>
  void run(const Body& body) const {
    if (by_image_) {
      parallel_for(images_, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t image = begin; image < end; ++image) body(image);
      });
    } else {
      for (std::int64_t image = 0; image < images_; ++image) body(image);
    }
  }

  /// pass(part, begin, end) over the pixels of one image.
  template <typename Pass>
  void over_pixels(const Pass& pass) const {
    if (by_image_) {
      pass(0, std::int64_t{0}, pixels_);
    } else {
      parallel_for(threads_, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t part = begin; part < end; ++part) {
          pass(part, pixels_ * part / threads_, pixels_ * (part + 1) / threads_);
        }
      });
    }
  }

 private:
  std::int64_t images_, pixels_;
  int threads_;
  bool by_image_;
};

/// Sums part 1, 2, ... of `parts` arrays of `count` floats into the first.
void add_parts(std::vector<float>& sums, std::int64_t count, int parts) {
  for (int part = 1; part < parts; ++part) {
    for (std::int64_t i = 0; i < count; ++i) sums[i] += sums[part * count + i];
  }
}

/// One image's statistics per group, from per-channel moments about the image's first pixel: no cancellation where the
/// mean is far from zero.
template <typename T>
void group_statistics(const T* x, const ImageLoop& loop, const Tensor& tensor, const GroupNormSettings& settings,
                      float* mean, float* rstd) {
  const std::int64_t channels = tensor.size(1), pixels = pixel_count(tensor), width = channels / settings.groups;
  std::vector<float> origin(channels), moments(2 * channels * loop.parts(), 0.0f);
  for (std::int64_t c = 0; c < channels; ++c) {
    if constexpr (std::is_same_v<T, float>) {
      origin[c] = x[c];
    } else {
      origin[c] = static_cast<float>(at::BFloat16(x[c], at::BFloat16::from_bits()));
    }
  }
  loop.over_pixels([&](std::int64_t part, std::int64_t begin, std::int64_t end) {
    float* sums = moments.data() + 2 * channels * part;
    add_moments<T>(x, range_of(tensor, begin, end), origin.data(), sums, sums + channels);
  });
  add_parts(moments, 2 * channels, loop.parts());
  for (std::int64_t g = 0; g < settings.groups; ++g) {
    double total = 0, squares = 0;
    for (std::int64_t c = g * width; c < (g + 1) * width; ++c) total += origin[c] + double{moments[c]} / pixels;
    const double group_mean = total / width;
    for (std::int64_t c = g * width; c < (g + 1) * width; ++c) {
      const double sum = moments[c], channel_mean = origin[c] + sum / pixels;
      squares += moments[channels + c] - sum * sum / pixels +
                 pixels * (channel_mean - group_mean) * (channel_mean - group_mean);
    }
    mean[g] = static_cast<float>(group_mean);
    rstd[g] = static_cast<float>(1.0 / std::sqrt(std::max(squares, 0.0) / (width * pixels) + settings.epsilon));
  }
}

template <typename T>
void forward_pass(const GroupNormArguments& arguments, const GroupNormSettings& settings, Tensor& y, Tensor& mean,
                  Tensor& rstd) {
  const Tensor& x = arguments.x;
  const std::int64_t channels = x.size(1), width = channels / settings.groups, size = channels * pixel_count(x);
  const ImageLoop loop(x);
  loop.run([&](std::int64_t image) {
    const T* from = elements<const T>(x) + image * size;
    T* to = elements<T>(y) + image * size;
    float* means = mean.data_ptr<float>() + image * settings.groups;
    float* rstds = rstd.data_ptr<float>() + image * settings.groups;
    group_statistics<T>(from, loop, x, settings, means, rstds);
    const Affine affine(arguments, image);
    std::vector<float> multiplier(channels), offset(channels);
    for (std::int64_t c = 0; c < channels; ++c) {
      multiplier[c] = rstds[c / width] * affine.gain(c);
      offset[c] = affine.offset(c) - means[c / width] * multiplier[c];
    }
    const NormActivation activation = activation_of(settings, arguments, image);
    loop.over_pixels([&](std::int64_t, std::int64_t begin, std::int64_t end) {
      normalise<T>(from, to, range_of(x, begin, end), multiplier.data(), offset.data(), activation);
    });
  });
}

/// Gradients, those of scale and shift per image; sums over images of per-channel gradients are left to the caller:
/// `sum` = d loss / d (argument of the activation) and `product` = the same times the normalised x, [N, C].
template <typename T>
void backward_pass(const GroupNormArguments& arguments, const Tensor& dy, const Tensor& mean, const Tensor& rstd,
                   const GroupNormSettings& settings, Tensor& dx, Tensor& sum, Tensor& product) {
  const Tensor& x = arguments.x;
  const std::int64_t channels = x.size(1), width = channels / settings.groups, pixels = pixel_count(x),
                     size = channels * pixels;
  const ImageLoop loop(x);
  loop.run([&](std::int64_t image) {
    const T* from = elements<const T>(x) + image * size;
    const T* gradient = elements<const T>(dy) + image * size;
    T* to = elements<T>(dx) + image * size;
    const float* means = mean.data_ptr<float>() + image * settings.groups;
    const float* rstds = rstd.data_ptr<float>() + image * settings.groups;
    const Affine affine(arguments, image);
    std::vector<float> arrays(4 * channels);
    float *rstd_c = arrays.data(), *centre = rstd_c + channels, *multiplier = centre + channels,
          *offset = multiplier + channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      rstd_c[c] = rstds[c / width];
      centre[c] = -means[c / width] * rstd_c[c];
      multiplier[c] = rstd_c[c] * affine.gain(c);
      offset[c] = affine.offset(c) + centre[c] * affine.gain(c);
    }
    const NormChannels norm{.rstd = rstd_c, .centre = centre, .multiplier = multiplier, .offset = offset};
    const NormActivation activation = activation_of(settings, arguments, image);

    std::vector<float> sums(2 * channels * loop.parts(), 0.0f);
    loop.over_pixels([&](std::int64_t part, std::int64_t begin, std::int64_t end) {
      float* part_sums = sums.data() + 2 * channels * part;
      add_gradient_sums<T>(from, gradient, range_of(x, begin, end), norm, activation, part_sums, part_sums + channels);
    });
    add_parts(sums, 2 * channels, loop.parts());
    std::copy_n(sums.data(), channels, sum.data_ptr<float>() + image * channels);
    std::copy_n(sums.data() + channels, channels, product.data_ptr<float>() + image * channels);

    // dx = rstd (gain dz - mean(gain dz) - normalised x * mean(gain dz * normalised x)), means over the group.
    std::vector<float> of_input(channels), constant(channels);
    for (std::int64_t g = 0; g < settings.groups; ++g) {
      double first = 0, second = 0;
      for (std::int64_t c = g * width; c < (g + 1) * width; ++c) {
        first += double{affine.gain(c)} * sums[c];
        second += double{affine.gain(c)} * sums[channels + c];
      }
      first /= width * pixels;
      second /= width * pixels;
      for (std::int64_t c = g * width; c < (g + 1) * width; ++c) {
        of_input[c] = static_cast<float>(-double{rstd_c[c]} * rstd_c[c] * second);
        constant[c] = static_cast<float>(-rstd_c[c] * (first + centre[c] * second));
      }
    }
    const GradientChannels factors{.of_gradient = multiplier, .of_input = of_input.data(), .constant = constant.data()};
    loop.over_pixels([&](std::int64_t, std::int64_t begin, std::int64_t end) {
      normalise_backward<T>(from, gradient, to, range_of(x, begin, end), norm, activation, factors);
    });
  });
}

struct GroupNormResult {
  Tensor y, mean, rstd;
};

GroupNormResult group_norm_forward(const GroupNormArguments& arguments, const GroupNormSettings& settings) {
  const Tensor& x = arguments.x;
  const auto statistics = x.options().dtype(at::kFloat);
  GroupNormResult result{.y = empty_channels_last(x, x.sizes()),
                         .mean = at::empty({x.size(0), settings.groups}, statistics),
                         .rstd = at::empty({x.size(0), settings.groups}, statistics)};
  for_type_of(
      x, [&](auto type) { forward_pass<decltype(type)>(arguments, settings, result.y, result.mean, result.rstd); });
  return result;
}

class GroupNormFunction : public torch::autograd::Function<GroupNormFunction> {
 public:
  using Optional = c10::optional<Tensor>;  // an undefined tensor is not allowed as a plain argument

  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const Tensor& bias, const Optional& scale_argument, const Optional& shift_argument,
                        const Optional& keys_argument, const GroupNormSettings& settings) {
    const Tensor scale = scale_argument.value_or(Tensor()), shift = shift_argument.value_or(Tensor());
    const Tensor keys = keys_argument.value_or(Tensor());
    const GroupNormArguments arguments{channels_last(x),   float_array(weight), float_array(bias),
                                       float_array(scale), float_array(shift),  keys};
    GroupNormResult result = group_norm_forward(arguments, settings);
    context->save_for_backward({arguments.x, weight, bias, scale, shift, keys, result.mean, result.rstd});
    context->saved_data["groups"] = settings.groups;
    context->saved_data["epsilon"] = settings.epsilon;
    context->saved_data["silu"] = settings.silu;
    context->saved_data["dropout"] = settings.dropout_probability;
    context->saved_data["layer"] = settings.layer;
    return result.y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const TimedOperation timed(Operation::group_norm_backward);
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &bias = saved[2], &scale = saved[3], &shift = saved[4];
    const GroupNormArguments arguments{
        x, float_array(weight), float_array(bias), float_array(scale), float_array(shift), saved[5]};
    const GroupNormSettings settings{.groups = context->saved_data["groups"].toInt(),
                                     .epsilon = context->saved_data["epsilon"].toDouble(),
                                     .silu = context->saved_data["silu"].toBool(),
                                     .dropout_probability = context->saved_data["dropout"].toDouble(),
                                     .layer = context->saved_data["layer"].toInt()};
    const Tensor dy = channels_last(gradients[0].to(x.scalar_type()));
    Tensor dx = empty_channels_last(x, x.sizes());
    Tensor sum = at::empty({x.size(0), x.size(1)}, x.options().dtype(at::kFloat)), product = at::empty_like(sum);
    for_type_of(x, [&](auto type) {
      backward_pass<decltype(type)>(arguments, dy, saved[6], saved[7], settings, dx, sum, product);
    });

    Tensor dscale, dshift, dweight = product, dbias = sum;
    if (scale.defined()) {
      const Tensor conditional = arguments.scale + 1.0;
      dscale = (product * arguments.weight + sum * arguments.bias).to(scale.scalar_type());
      dshift = sum.to(shift.scalar_type());
      dweight = product * conditional;
      dbias = sum * conditional;
    }
    return {
        dx,      dweight.sum(0).to(weight.scalar_type()), dbias.sum(0).to(bias.scalar_type()), dscale, dshift, Tensor(),
        Tensor()};
  }
};

}  // namespace

Tensor group_norm(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias,
                  const ScaleShift& scale_shift, bool silu, const DropoutOptions& dropout, double epsilon) {
  const GroupNormSettings settings{.groups = groups,
                                   .epsilon = epsilon,
                                   .silu = silu,
                                   .dropout_probability = dropout.probability,
                                   .layer = dropout.layer};
  const Tensor keys = dropout.probability > 0 ? dropout.keys.contiguous() : Tensor();
  const bool differentiated =
      at::GradMode::is_enabled() &&
      (x.requires_grad() || weight.requires_grad() || bias.requires_grad() ||
       (scale_shift.scale.defined() && (scale_shift.scale.requires_grad() || scale_shift.shift.requires_grad())));
  if (differentiated) {
    const auto optional = [](const Tensor& value) {
      return value.defined() ? GroupNormFunction::Optional(value) : GroupNormFunction::Optional();
    };
    return GroupNormFunction::apply(x, weight, bias, optional(scale_shift.scale), optional(scale_shift.shift),
                                    optional(keys), settings);
  }
  return group_norm_forward({channels_last(x), float_array(weight), float_array(bias), float_array(scale_shift.scale),
                             float_array(scale_shift.shift), keys},
                            settings)
      .y;
}

}  // namespace iddpm::kernels::cpu
