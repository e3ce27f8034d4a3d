#pragma once

#include <array>
#include <chrono>
#include <cstdint>

/// Where the time of forward passes and training steps goes, by operation of the fast CPU path.
namespace iddpm::kernels {

/// What time is spent on. "Backward" alone is the gradient of everything that the operation takes.
enum class Operation {
  other,  ///< what no kernel claims: the loss, autograd's own work, LibTorch's operations (all of the plain path)
  direct_convolution,
  direct_convolution_backward_data,
  direct_convolution_backward_weights,
  winograd_convolution,
  winograd_convolution_backward_data,
  winograd_convolution_backward_weights,
  weight_preparation,  ///< reordering, converting and transforming convolutions' weights and their gradients
  group_norm,          ///< with scale and shift, SiLU and dropout
  group_norm_backward,
  attention,
  attention_backward,
  linear,
  linear_backward,
  concatenation,
  concatenation_backward,
  resampling,
  resampling_backward,
  silu,               ///< outside normalisations, forward and backward
  layout_conversion,  ///< activations and their gradients copied to another layout or type
  optimizer_step,     ///< with the moving averages
  count
};

/// In words, for people: "convolution (Winograd), gradient of x".
const char* name_of(Operation operation);

struct OperationTime {
  std::int64_t calls = 0;
  double seconds = 0;
};

/// Charges every moment of this thread, from its construction on, to one operation: the innermost under way. Nothing is
/// measured while none exists; of several, the innermost measures. Backward passes count, as LibTorch runs them for the
/// CPU in the thread that asks for them.
class OperationTimer {
 public:
  OperationTimer();
  ~OperationTimer();
  OperationTimer(const OperationTimer&) = delete;
  OperationTimer& operator=(const OperationTimer&) = delete;

  using Times = std::array<OperationTime, static_cast<std::size_t>(Operation::count)>;
  /// So far, by Operation; the seconds add up to the timer's age.
  Times times();

 private:
  friend class TimedOperation;

  /// Charges what has passed to the operation under way, then makes `next` that; returns the former.
  Operation change_to(Operation next);

  OperationTimer* outer_;
  Operation under_way_ = Operation::other;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  Times times_{};
};

/// Marks this thread as busy with an operation for as long as it lives. For the kernels.
class TimedOperation {
 public:
  explicit TimedOperation(Operation operation);
  ~TimedOperation();
  TimedOperation(const TimedOperation&) = delete;
  TimedOperation& operator=(const TimedOperation&) = delete;

 private:
  OperationTimer* timer_;
  Operation outer_ = Operation::other;
};

}  // namespace iddpm::kernels
