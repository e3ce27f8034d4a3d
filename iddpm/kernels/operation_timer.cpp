#include "iddpm/kernels/operation_timer.h"

#include <utility>

namespace iddpm::kernels {
namespace {

thread_local OperationTimer* innermost_timer = nullptr;

}  // namespace

const char* name_of(Operation operation) {
  switch (operation) {
    case Operation::other:
      return "other";
    case Operation::direct_convolution:
      return "convolution";
    case Operation::direct_convolution_backward_data:
      return "convolution, gradient of x";
    case Operation::direct_convolution_backward_weights:
      return "convolution, gradient of the weight";
    case Operation::winograd_convolution:
      return "convolution (Winograd)";
    case Operation::winograd_convolution_backward_data:
      return "convolution (Winograd), gradient of x";
    case Operation::winograd_convolution_backward_weights:
      return "convolution (Winograd), gradient of the weight";
    case Operation::weight_preparation:
      return "weights reordered or transformed";
    case Operation::group_norm:
      return "group norm, scale, shift, SiLU";
    case Operation::group_norm_backward:
      return "group norm, scale, shift, SiLU, backward";
    case Operation::attention:
      return "attention";
    case Operation::attention_backward:
      return "attention, backward";
    case Operation::linear:
      return "linear";
    case Operation::linear_backward:
      return "linear, backward";
    case Operation::concatenation:
      return "concatenation";
    case Operation::concatenation_backward:
      return "concatenation, backward";
    case Operation::resampling:
      return "resampling";
    case Operation::resampling_backward:
      return "resampling, backward";
    case Operation::silu:
      return "SiLU alone";
    case Operation::layout_conversion:
      return "activations' layout or type changed";
    case Operation::optimizer_step:
      return "AdamW and EMA";
    case Operation::count:
      break;
  }
  return "unknown";
}

OperationTimer::OperationTimer() : outer_(std::exchange(innermost_timer, this)) {}

OperationTimer::~OperationTimer() { innermost_timer = outer_; }

OperationTimer::Times OperationTimer::times() {
  change_to(under_way_);
  return times_;
}

Operation OperationTimer::change_to(Operation next) {
  const auto now = std::chrono::steady_clock::now();
  times_[static_cast<std::size_t>(under_way_)].seconds += std::chrono::duration<double>(now - since_).count();
  since_ = now;
  return std::exchange(under_way_, next);
}

TimedOperation::TimedOperation(Operation operation) : timer_(innermost_timer) {
  if (timer_ == nullptr) return;
  outer_ = timer_->change_to(operation);
  ++timer_->times_[static_cast<std::size_t>(operation)].calls;
}

TimedOperation::~TimedOperation() {
  if (timer_ != nullptr) timer_->change_to(outer_);
}

}  // namespace iddpm::kernels
