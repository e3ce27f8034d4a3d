#include "iddpm/kernels/cpu/winograd.h"

#include <algorithm>

#include "iddpm/kernels/cpu/channels_last.h"
#include "iddpm/kernels/cpu/gemm.h"
#include "iddpm/kernels/cpu/parallel.h"
#include "iddpm/kernels/cpu/prepared_weights.h"
#include "iddpm/kernels/cpu/scratch.h"
#include "iddpm/kernels/cpu/winograd_vector.h"
#include "iddpm/kernels/operation_timer.h"

namespace iddpm::kernels::cpu::winograd {
namespace {

/// The most numbers that a block of tiles has in its transformed input and output. A block should stay in the caches,
/// but each takes the whole transformed weight from them too: the larger the weight, the larger the block.
std::int64_t block_floats(std::int64_t weight_floats) {
  return std::clamp<std::int64_t>(weight_floats / 2, 1 << 17, 1 << 20);
}

// Planes of different points apart by a little more than a power of two: else they compete for the same lines of a
// cache.
constexpr std::int64_t plane_gap = 16;

/// A multiple of the rows of the matrix product's tiles.
std::int64_t tiles_per_block(std::int64_t tiles, std::int64_t columns, std::int64_t most_floats) {
  constexpr std::int64_t unit = 12;
  const std::int64_t fitting = std::max<std::int64_t>(most_floats / (winograd_points * columns) / unit, 1) * unit;
  const std::int64_t blocks = (tiles + fitting - 1) / fitting;  // of about equal size
  return ((tiles + blocks - 1) / blocks + unit - 1) / unit * unit;
}

float* scratch_floats(Scratch use, std::int64_t count) {
  return static_cast<float*>(scratch(use, static_cast<std::size_t>(count) * sizeof(float)));
}

enum class Orientation : WeightForm {
  forward = 1 << 20,  // beyond the numbers of oneDNN's layouts
  backward,           // input and output channels exchanged, taps rotated
};

/// The transformed weight: rows of the channels that are summed over, padded columns of the others.
class Weight {
 public:
  Weight(const ConvolutionGeometry& g, const Tensor& weight, Orientation orientation, bool keep)
      : rows_(orientation == Orientation::forward ? g.channels : g.out_channels),
        columns_(orientation == Orientation::forward ? g.out_channels : g.channels) {
    const std::int64_t count = winograd_points * rows_ * padded(columns_);
    if (keep) {
      prepared_ = prepared_weight(weight, static_cast<WeightForm>(orientation), keep, [&] {
        const Tensor result = at::empty({count}, weight.options().dtype(at::kFloat).requires_grad(c10::nullopt));
        transform(g, weight, orientation, result.data_ptr<float>());
        return result;
      });
      data_ = prepared_.data_ptr<float>();
    } else {
      forget_prepared(weight);
      data_ = scratch_floats(Scratch::transformed_weight, count);
      transform(g, weight, orientation, data_);
    }
  }

  RightMatrix point(std::int64_t p) const { return {data_ + p * rows_ * padded(columns_), padded(columns_)}; }

 private:
  void transform(const ConvolutionGeometry& g, const Tensor& weight, Orientation orientation, float* to) const {
    const TimedOperation timed(Operation::weight_preparation);
    constexpr std::int64_t taps = 9;
    const Tensor dense = weight.contiguous();
    const bool rotated = orientation == Orientation::backward;
    const std::int64_t in = taps, out = taps * g.channels;
    const WinogradWeights<const float> weights{.data = dense.data_ptr<float>(),
                                               .row_stride = rotated ? out : in,
                                               .column_stride = rotated ? in : out,
                                               .columns = columns_,
                                               .rotated = rotated};
    const WinogradPlanes planes{to, rows_ * padded(columns_), padded(columns_)};
    parallel_for(rows_, [&](std::int64_t begin, std::int64_t end) { winograd_weight(weights, begin, end, planes); });
  }

  std::int64_t rows_, columns_;
  Tensor prepared_;
  float* data_ = nullptr;
};

WinogradGrid grid(const ConvolutionGeometry& g, std::int64_t channels) {
  return {g.images, g.height, g.width, channels};
}

/// y = bias + residual + the convolution of x with the transformed weight.
template <typename T>
void convolve(const WinogradGrid& in, const WinogradGrid& out, const T* x, const Weight& weight, const float* bias,
              const T* residual, T* y) {
  const std::int64_t tiles = in.tiles(), columns = padded(out.channels);
  const std::int64_t threads = parallel_threads();
  const std::int64_t most = tiles_per_block((tiles + threads - 1) / threads, in.channels + columns,
                                            block_floats(winograd_points * in.channels * columns));
  parallel_for((tiles + most - 1) / most, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t v_stride = most * in.channels + plane_gap, m_stride = most * columns + plane_gap;
    const WinogradPlanes v{scratch_floats(Scratch::transformed_input, winograd_points * v_stride), v_stride,
                           in.channels};
    const WinogradPlanes m{scratch_floats(Scratch::transformed_output, winograd_points * m_stride), m_stride, columns};
    for (std::int64_t block = begin; block < end; ++block) {
      const TileRange range{block * most, std::min(most, tiles - block * most)};
      winograd_input<T>(in, x, range, v);
      for (std::int64_t p = 0; p < winograd_points; ++p) {
        multiply({v.data + p * v_stride, in.channels, 1}, weight.point(p), {m.data + p * m_stride, columns},
                 {.rows = range.count, .columns = columns, .depth = in.channels}, /*accumulate=*/false);
      }
      winograd_output<T>(out, m, range, bias, residual, y);
    }
  });
}

/// Rows of the weight's gradient that make one task.
constexpr std::int64_t rows_per_task = 48;

template <typename T>
void weight_gradient(const ConvolutionGeometry& g, const T* x, const T* dy, float* dweight, float* dbias) {
  const WinogradGrid in = grid(g, g.channels), out = grid(g, g.out_channels);
  const std::int64_t tiles = in.tiles(), columns = padded(g.out_channels);
  const std::int64_t most =
      tiles_per_block(tiles, g.channels + columns, 2 * parallel_threads() * block_floats(1 << 21));
  const std::int64_t v_stride = most * g.channels + plane_gap, m_stride = most * columns + plane_gap;
  const WinogradPlanes v{scratch_floats(Scratch::transformed_input, winograd_points * v_stride), v_stride, g.channels};
  const WinogradPlanes m{scratch_floats(Scratch::transformed_output, winograd_points * m_stride), m_stride, columns};
  const WinogradPlanes du{scratch_floats(Scratch::transformed_weight, winograd_points * g.channels * columns),
                          g.channels * columns, columns};
  std::vector<float> bias_sums(columns);
  const std::int64_t tasks_per_point = (g.channels + rows_per_task - 1) / rows_per_task;
  for (std::int64_t first = 0; first < tiles; first += most) {
    const std::int64_t count = std::min(most, tiles - first);
    parallel_for(count, [&](std::int64_t begin, std::int64_t end) {
      const TileRange range{first + begin, end - begin};
      winograd_input<T>(in, x, range, {v.data + begin * v.row_stride, v.point_stride, v.row_stride});
      winograd_output_gradient<T>(out, dy, range, {m.data + begin * m.row_stride, m.point_stride, m.row_stride});
      // Padded columns enter products whose results are ignored, but must be numbers.
      for (std::int64_t row = begin; row < end && columns > g.out_channels; ++row) {
        for (std::int64_t p = 0; p < winograd_points; ++p) {
          std::fill_n(m.data + p * m_stride + row * columns + g.out_channels, columns - g.out_channels, 0.0f);
        }
      }
    });
    parallel_for(winograd_points * tasks_per_point, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t task = begin; task < end; ++task) {
        const std::int64_t p = task / tasks_per_point, row = task % tasks_per_point * rows_per_task;
        multiply({v.data + p * v_stride + row, 1, g.channels}, {m.data + p * m_stride, columns},
                 {du.data + p * du.point_stride + row * columns, columns},
                 {.rows = std::min(rows_per_task, g.channels - row), .columns = columns, .depth = count}, first > 0);
      }
    });
    if (dbias != nullptr) {
      constexpr float one = 1.0f;
      multiply({&one, 0, 0}, {m.data + winograd_sum_point * m_stride, columns}, {bias_sums.data(), columns},
               {.rows = 1, .columns = columns, .depth = count}, first > 0);
    }
  }
  if (dbias != nullptr) std::copy_n(bias_sums.data(), g.out_channels, dbias);
  const TimedOperation timed(Operation::weight_preparation);
  const WinogradWeights<float> gradient{
      .data = dweight, .row_stride = 9, .column_stride = 9 * g.channels, .columns = g.out_channels, .rotated = false};
  parallel_for(g.channels,
               [&](std::int64_t begin, std::int64_t end) { winograd_weight_gradient(du, begin, end, gradient); });
}

}  // namespace

bool is_possible(const ConvolutionGeometry& g) {
  return g.kernel_height == 3 && g.kernel_width == 3 && g.stride == 1 && g.padding == 1;
}

bool is_worthwhile(const ConvolutionGeometry& g, const Tensor& weight, bool keep_weight, bool fast_bfloat16) {
  if (!is_possible(g)) return false;
  const std::int64_t narrow = std::min(g.channels, g.out_channels), tiles = grid(g, g.channels).tiles();
  const std::size_t bytes = winograd_points * g.channels * padded(g.out_channels) * sizeof(float);
  const bool keep = keep_weight && can_keep_weight(weight, static_cast<WeightForm>(Orientation::forward), bytes);
  // Measured: where the products saved outweigh the transforms of the activations and, unless it is kept, of the
  // weight.
  if (g.bfloat16 && fast_bfloat16) return narrow >= 32 && tiles >= (keep ? 32 : 96);
  return narrow >= 16 && tiles >= (keep ? 4 : 24);
}

void forward(const ConvolutionGeometry& g, const Tensor& x, const Tensor& weight, const Tensor& bias,
             const Tensor& residual, Tensor& y, bool keep_weight) {
  const Weight transformed(g, weight, Orientation::forward, keep_weight);
  for_type_of(x, [&](auto type) {
    using T = decltype(type);
    convolve<T>(grid(g, g.channels), grid(g, g.out_channels), elements<const T>(x), transformed,
                bias.defined() ? bias.data_ptr<float>() : nullptr,
                residual.defined() ? elements<const T>(residual) : nullptr, elements<T>(y));
  });
}

void backward_data(const ConvolutionGeometry& g, const Tensor& dy, const Tensor& weight, Tensor& dx, bool keep_weight) {
  const Weight transformed(g, weight, Orientation::backward, keep_weight);
  for_type_of(dy, [&](auto type) {
    using T = decltype(type);
    convolve<T>(grid(g, g.out_channels), grid(g, g.channels), elements<const T>(dy), transformed, nullptr, nullptr,
                elements<T>(dx));
  });
}

void backward_weights(const ConvolutionGeometry& g, const Tensor& x, const Tensor& dy, Tensor& dweight, Tensor& dbias) {
  for_type_of(x, [&](auto type) {
    using T = decltype(type);
    weight_gradient<T>(g, elements<const T>(x), elements<const T>(dy), dweight.data_ptr<float>(),
                       dbias.defined() ? dbias.data_ptr<float>() : nullptr);
  });
}

}  // namespace iddpm::kernels::cpu::winograd
