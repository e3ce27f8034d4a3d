#pragma once

#include <ATen/record_function.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace iddpm {

/// Counts what LibTorch would launch on a device: operations that call no other that does, in this thread, while it
/// lives. Views, allocations and numbers made tensors launch nothing; an operation on lists of tensors launches once,
/// whatever it does on a CPU. One at a time.
class LaunchCounter {
 public:
  LaunchCounter() {
    state() = {};
    handle_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback(&enter, &leave).needsInputs(true).scopes({at::RecordScope::FUNCTION}));
  }
  ~LaunchCounter() { at::removeCallback(handle_); }
  LaunchCounter(const LaunchCounter&) = delete;
  LaunchCounter& operator=(const LaunchCounter&) = delete;

  int total() const {
    int total = 0;
    for (const auto& [name, count] : state().launches) total += count;
    return total;
  }
  const std::map<std::string, int>& launches() const { return state().launches; }

 private:
  struct Frame {
    std::string name;
    bool is_launch = true;        ///< as far as its name and inputs tell
    bool calls_launches = false;  ///< then it isn't one itself
  };
  struct State {
    std::vector<Frame> frames;
    std::map<std::string, int> launches;
  };
  static State& state() {
    thread_local State state;
    return state;
  }

  static bool launches_nothing(std::string_view name) {
    static const std::vector<std::string_view> views = {"aten::view",
                                                        "aten::_reshape_alias",
                                                        "aten::_unsafe_view",
                                                        "aten::as_strided",
                                                        "aten::select",
                                                        "aten::slice",
                                                        "aten::narrow",
                                                        "aten::transpose",
                                                        "aten::t",
                                                        "aten::permute",
                                                        "aten::expand",
                                                        "aten::squeeze",
                                                        "aten::unsqueeze",
                                                        "aten::detach",
                                                        "detach",
                                                        "aten::detach_",
                                                        "detach_",
                                                        "aten::alias",
                                                        "aten::unbind",
                                                        "aten::split",
                                                        "aten::chunk",
                                                        "aten::empty",
                                                        "aten::empty_like",
                                                        "aten::new_empty",
                                                        "aten::empty_strided",
                                                        "aten::resize_",
                                                        "aten::resolve_conj",
                                                        "aten::resolve_neg",
                                                        "aten::result_type",
                                                        "aten::set_",
                                                        "aten::to",
                                                        "aten::reshape",
                                                        "aten::contiguous",
                                                        "aten::flatten",
                                                        "aten::new_empty_strided",
                                                        "aten::is_same_size",
                                                        "aten::as_strided_",
                                                        "aten::resize_as_",
                                                        "aten::requires_grad_",
                                                        "aten::expand_as",
                                                        "aten::view_as",
                                                        "aten::size"};
    return std::find(views.begin(), views.end(), name) != views.end();
  }
  // One launch, or as few as can't be helped, on a device, whatever a CPU does for it.
  static bool is_one_launch(std::string_view name) {
    static const std::vector<std::string_view> whole = {"aten::convolution",
                                                        "aten::convolution_backward",
                                                        "aten::sum",
                                                        "aten::mean",
                                                        "aten::addmm",
                                                        "aten::arange",
                                                        "aten::zeros",
                                                        "aten::ones",
                                                        "aten::full",
                                                        "aten::_softmax",
                                                        "aten::cat",
                                                        "aten::stack",
                                                        "aten::bmm",
                                                        "aten::norm",
                                                        "aten::zeros_like",
                                                        "aten::upsample_nearest2d",
                                                        "aten::upsample_nearest2d_backward",
                                                        "aten::_softmax_backward_data"};
    return name.starts_with("aten::_foreach_") || std::find(whole.begin(), whole.end(), name) != whole.end();
  }
  static bool is_copy(std::string_view name) { return name == "aten::copy_" || name == "aten::_to_copy"; }
  static bool is_of_one_number(const at::RecordFunction& function) {
    for (const c10::IValue& input : function.inputs()) {
      if (input.isTensor() && input.toTensor().defined() && input.toTensor().dim() > 0) return false;
    }
    return true;
  }

  static std::unique_ptr<at::ObserverContext> enter(const at::RecordFunction& function) {
    const std::string name = function.name();
    const bool is_launch = !launches_nothing(name) && !name.starts_with("autograd::") &&
                           !(is_copy(name) && is_of_one_number(function)) && name != "aten::lift_fresh";
    state().frames.push_back({.name = name, .is_launch = is_launch});
    return nullptr;
  }
  static void leave(const at::RecordFunction&, at::ObserverContext*) {
    State& now = state();
    if (now.frames.empty()) return;
    const Frame frame = std::move(now.frames.back());
    now.frames.pop_back();
    const bool launched = frame.calls_launches || frame.is_launch;
    if (!now.frames.empty()) now.frames.back().calls_launches |= launched;
    const bool within_one =
        std::any_of(now.frames.begin(), now.frames.end(), [](const Frame& outer) { return is_one_launch(outer.name); });
    if (within_one || !frame.is_launch || (frame.calls_launches && !is_one_launch(frame.name))) return;
    ++now.launches[frame.name];
  }

  at::CallbackHandle handle_ = 0;
};

}  // namespace iddpm
