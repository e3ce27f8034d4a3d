#include "iddpm/nn/checkpointing.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "iddpm/kernels/kernel_options.h"

namespace iddpm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// A segment in the form in which an autograd function can keep it for backward.
struct Replay : torch::CustomClassHolder {
  Replay(Segment segment, std::size_t inputs) : segment(std::move(segment)), inputs(inputs) {}

  /// The segment's output from `tensors` (inputs, then parameters) with a graph of its own, and that graph's leaves.
  std::pair<Tensor, variable_list> evaluate(at::TensorList tensors) const {
    variable_list leaves = tensors.vec();
    for (std::size_t i = 0; i < inputs; ++i) {
      leaves[i] = tensors[i].detach().set_requires_grad(tensors[i].requires_grad());
    }
    const at::AutoGradMode with_gradient(true);
    const kernels::KernelScope same_kernels(kernel_options);
    return {segment({leaves.begin(), leaves.begin() + static_cast<std::ptrdiff_t>(inputs)}), leaves};
  }

  Segment segment;
  std::size_t inputs;
  kernels::KernelOptions kernel_options = kernels::kernel_options();
};

struct CheckpointFunction : torch::autograd::Function<CheckpointFunction> {
  static Tensor forward(AutogradContext* context, at::TensorList tensors, const c10::intrusive_ptr<Replay>& replay) {
    context->save_for_backward(tensors.vec());
    context->saved_data["replay"] = at::IValue::make_capsule(replay);
    // With a graph, which is dropped at once: without one the kernels might choose differently than in backward.
    return replay->evaluate(tensors).first.detach();
  }

  static variable_list backward(AutogradContext* context, variable_list output_gradients) {
    const auto replay = c10::static_intrusive_pointer_cast<Replay>(context->saved_data["replay"].toCapsule());
    const auto [output, leaves] = replay->evaluate(context->get_saved_variables());
    variable_list needed;
    for (const Tensor& leaf : leaves) {
      if (leaf.requires_grad()) needed.push_back(leaf);
    }
    const variable_list found = torch::autograd::grad({output}, needed, {output_gradients[0]}, /*retain_graph=*/false,
                                                      /*create_graph=*/false, /*allow_unused=*/true);
    variable_list gradients;
    std::size_t next = 0;
    for (const Tensor& leaf : leaves) gradients.push_back(leaf.requires_grad() ? found[next++] : Tensor());
    gradients.emplace_back();  // of the replay
    return gradients;
  }
};

}  // namespace

Tensor checkpointed(Segment segment, const std::vector<Tensor>& inputs, const std::vector<Tensor>& parameters) {
  if (!at::GradMode::is_enabled()) return segment(inputs);
  std::vector<Tensor> tensors = inputs;
  tensors.insert(tensors.end(), parameters.begin(), parameters.end());
  return CheckpointFunction::apply(at::TensorList(tensors),
                                   c10::make_intrusive<Replay>(std::move(segment), inputs.size()));
}

}  // namespace iddpm
