#include "iddpm/kernels/cpu/rearrange.h"

#include <torch/csrc/autograd/custom_function.h>

#include <cstring>

#include "iddpm/kernels/cpu/channels_last.h"
#include "iddpm/kernels/cpu/parallel.h"
#include "iddpm/kernels/cpu/pointwise_vector.h"
#include "iddpm/kernels/operation_timer.h"

namespace iddpm::kernels::cpu {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool is_differentiated(const Tensor& x) { return at::GradMode::is_enabled() && x.requires_grad(); }

/// The incoming gradient in the activation's type and layout.
Tensor dense_gradient(const variable_list& gradients, at::ScalarType type) {
  return channels_last(gradients[0].to(type));
}

/// x [N, C, H, W] -> [N, C, H/2, W/2]: factor times the sum of each 2 x 2 pixels; odd last rows and columns are left
/// out.
Tensor pool(const Tensor& x, float factor) {
  const std::int64_t channels = x.size(1), height = x.size(2) / 2, width = x.size(3) / 2, row = x.size(3) * channels;
  Tensor y = empty_channels_last(x, {x.size(0), channels, height, width});
  for_type_of(x, [&](auto type) {
    using T = decltype(type);
    parallel_for(x.size(0) * height, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const T* top = elements<const T>(x) + ((i / height) * x.size(2) + 2 * (i % height)) * row;
        T* out = elements<T>(y) + i * width * channels;
        for (std::int64_t w = 0; w < width; ++w, top += 2 * channels, out += channels) {
          add_four<T>(top, top + channels, top + row, top + row + channels, factor, out, channels);
        }
      }
    });
  });
  return y;
}

/// x [N, C, h, w] -> [N, C, height, width]: every pixel factor times the one that covers it in x; zero where none does.
Tensor spread(const Tensor& x, float factor, std::int64_t height, std::int64_t width) {
  const std::int64_t channels = x.size(1), rows = x.size(2), columns = x.size(3);
  Tensor y = empty_channels_last(x, {x.size(0), channels, height, width});
  for_type_of(x, [&](auto type) {
    using T = decltype(type);
    const std::size_t pixel_bytes = channels * sizeof(T), row_bytes = width * pixel_bytes;
    parallel_for(x.size(0) * height, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t h = i % height;
        T* out = elements<T>(y) + i * width * channels;
        if (h / 2 >= rows) {
          std::memset(out, 0, row_bytes);
          continue;
        }
        const T* from = elements<const T>(x) + ((i / height) * rows + h / 2) * columns * channels;
        for (std::int64_t w = 0; w < columns; ++w) {
          T* left = out + 2 * w * channels;
          factor == 1.0f ? static_cast<void>(std::memcpy(left, from + w * channels, pixel_bytes))
                         : scale<T>(from + w * channels, factor, left, channels);
          std::memcpy(left + channels, left, pixel_bytes);
        }
        if (width > 2 * columns) std::memset(out + 2 * columns * channels, 0, (width - 2 * columns) * pixel_bytes);
      }
    });
  });
  return y;
}

class UpsampleFunction : public torch::autograd::Function<UpsampleFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x) {
    context->saved_data["type"] = static_cast<std::int64_t>(x.scalar_type());
    return spread(channels_last(x), 1.0f, 2 * x.size(2), 2 * x.size(3));
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const TimedOperation timed(Operation::resampling_backward);
    return {pool(dense_gradient(gradients, static_cast<at::ScalarType>(context->saved_data["type"].toInt())), 1.0f)};
  }
};

class AveragePoolFunction : public torch::autograd::Function<AveragePoolFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x) {
    context->saved_data["type"] = static_cast<std::int64_t>(x.scalar_type());
    context->saved_data["height"] = x.size(2);
    context->saved_data["width"] = x.size(3);
    return pool(channels_last(x), 0.25f);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const TimedOperation timed(Operation::resampling_backward);
    const auto type = static_cast<at::ScalarType>(context->saved_data["type"].toInt());
    return {spread(dense_gradient(gradients, type), 0.25f, context->saved_data["height"].toInt(),
                   context->saved_data["width"].toInt())};
  }
};

/// Copies between a and b, pixels of their own channels, and `both`, pixels of a's then b's channels.
enum class Copy { join, split };

void copy_channels(Copy direction, const Tensor& a, const Tensor& b, const Tensor& both) {
  const auto bytes = [](const Tensor& x) { return static_cast<std::size_t>(x.size(1) * x.element_size()); };
  const std::size_t a_bytes = bytes(a), b_bytes = bytes(b);
  parallel_for(a.size(0) * pixel_count(a), [&](std::int64_t begin, std::int64_t end) {
    char* a_pixel = elements<char>(a) + begin * a_bytes;
    char* b_pixel = elements<char>(b) + begin * b_bytes;
    char* pixel = elements<char>(both) + begin * (a_bytes + b_bytes);
    for (std::int64_t i = begin; i < end; ++i, a_pixel += a_bytes, b_pixel += b_bytes, pixel += a_bytes + b_bytes) {
      if (direction == Copy::join) {
        std::memcpy(pixel, a_pixel, a_bytes);
        std::memcpy(pixel + a_bytes, b_pixel, b_bytes);
      } else {
        std::memcpy(a_pixel, pixel, a_bytes);
        std::memcpy(b_pixel, pixel + a_bytes, b_bytes);
      }
    }
  });
}

Tensor join(const Tensor& a, const Tensor& b) {
  Tensor both = empty_channels_last(a, {a.size(0), a.size(1) + b.size(1), a.size(2), a.size(3)});
  copy_channels(Copy::join, channels_last(a), channels_last(b), both);
  return both;
}

class ConcatenateFunction : public torch::autograd::Function<ConcatenateFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& a, const Tensor& b) {
    context->saved_data["channels"] = a.size(1);
    context->saved_data["type"] = static_cast<std::int64_t>(a.scalar_type());
    return join(a, b);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const TimedOperation timed(Operation::concatenation_backward);
    const Tensor both = dense_gradient(gradients, static_cast<at::ScalarType>(context->saved_data["type"].toInt()));
    const std::int64_t channels = context->saved_data["channels"].toInt();
    const auto part = [&](std::int64_t count) {
      return empty_channels_last(both, {both.size(0), count, both.size(2), both.size(3)});
    };
    Tensor a = part(channels), b = part(both.size(1) - channels);
    copy_channels(Copy::split, a, b, both);
    return {a, b};
  }
};

/// A dense tensor of x's shape and strides; x itself is dense.
Tensor empty_as(const Tensor& x) {
  return at::empty_strided(x.sizes(), x.strides(), x.options().requires_grad(c10::nullopt));
}

/// Elements that one thread should have at least.
constexpr std::int64_t block = 4096;

template <typename Body>
void over_blocks(std::int64_t count, const Body& body) {
  parallel_for((count + block - 1) / block, [&](std::int64_t begin, std::int64_t end) {
    body(begin * block, std::min(end * block, count) - begin * block);
  });
}

Tensor silu_of(const Tensor& x) {
  Tensor y = empty_as(x);
  for_type_of(x, [&](auto type) {
    using T = decltype(type);
    over_blocks(x.numel(), [&](std::int64_t at, std::int64_t count) {
      silu_forward<T>(elements<const T>(x) + at, elements<T>(y) + at, count);
    });
  });
  return y;
}

class SiluFunction : public torch::autograd::Function<SiluFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x) {
    context->save_for_backward({x});
    return silu_of(x);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const TimedOperation timed(Operation::silu);
    const Tensor x = context->get_saved_variables()[0];
    Tensor dy = gradients[0].to(x.scalar_type());
    if (dy.strides() != x.strides()) dy = empty_as(x).copy_(dy);
    Tensor dx = empty_as(x);
    for_type_of(x, [&](auto type) {
      using T = decltype(type);
      over_blocks(x.numel(), [&](std::int64_t at, std::int64_t count) {
        silu_backward<T>(elements<const T>(x) + at, elements<const T>(dy) + at, elements<T>(dx) + at, count);
      });
    });
    return {dx};
  }
};

}  // namespace

Tensor silu(const Tensor& x) {
  const Tensor dense = x.is_non_overlapping_and_dense() ? x : x.contiguous();
  return is_differentiated(dense) ? SiluFunction::apply(dense) : silu_of(dense);
}

Tensor upsample_nearest(const Tensor& x) {
  if (is_differentiated(x)) return UpsampleFunction::apply(x);
  return spread(channels_last(x), 1.0f, 2 * x.size(2), 2 * x.size(3));
}

Tensor average_pool(const Tensor& x) {
  return is_differentiated(x) ? AveragePoolFunction::apply(x) : pool(channels_last(x), 0.25f);
}

Tensor concatenate_channels(const Tensor& a, const Tensor& b) {
  return is_differentiated(a) || is_differentiated(b) ? ConcatenateFunction::apply(a, b) : join(a, b);
}

}  // namespace iddpm::kernels::cpu
