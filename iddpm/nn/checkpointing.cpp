#include "iddpm/nn/checkpointing.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "iddpm/kernels/kernel_options.h"

namespace iddpm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// What backward needs besides tensors, in the form in which an autograd function can keep it.
struct Replay : torch::CustomClassHolder {
  Replay(Segment segment, std::size_t inputs) : segment(std::move(segment)), inputs(inputs) {}

  Segment segment;
  std::size_t inputs;  // the rest of the saved tensors are parameters
  kernels::KernelOptions kernel_options = kernels::kernel_options();
};

struct CheckpointFunction : torch::autograd::Function<CheckpointFunction> {
  static Tensor forward(AutogradContext* context, at::TensorList tensors, const c10::intrusive_ptr<Replay>& replay) {
    context->save_for_backward(tensors.vec());
    context->saved_data["replay"] = at::IValue::make_capsule(replay);
    return replay->segment(tensors.slice(0, replay->inputs).vec());
  }

  static variable_list backward(AutogradContext* context, variable_list output_gradients) {
    const auto replay = c10::static_intrusive_pointer_cast<Replay>(context->saved_data["replay"].toCapsule());
    const variable_list saved = context->get_saved_variables();
    variable_list leaves, needed;
    for (std::size_t i = 0; i < saved.size(); ++i) {
      const bool input = i < replay->inputs;
      leaves.push_back(input ? saved[i].detach().set_requires_grad(saved[i].requires_grad()) : saved[i]);
      if (leaves[i].requires_grad()) needed.push_back(leaves[i]);
    }
    Tensor output;
    {
      const at::AutoGradMode with_gradient(true);
      const kernels::KernelScope same_kernels(replay->kernel_options);
      output = replay->segment({leaves.begin(), leaves.begin() + static_cast<std::ptrdiff_t>(replay->inputs)});
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
