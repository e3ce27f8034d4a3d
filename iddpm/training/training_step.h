#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "iddpm/data/batch_loader.h"
#include "iddpm/diffusion/losses.h"
#include "iddpm/diffusion/timestep_sampler.h"
#include "iddpm/nn/unet.h"
#include "iddpm/processes/process_group.h"
#include "iddpm/training/gradient_reduction.h"
#include "iddpm/training/optimizer.h"
#include "iddpm/training/training_options.h"

/// The four parts of a step of training, in their order. Between the first and the last, nothing waits for the device
/// but `reduce`, once.
namespace iddpm {

/// All that is random in a step. Row i belongs to example first_example + i of the batch, whatever batch it comes in.
struct StepDraws {
  Timesteps t;
  Tensor weight;               ///< [N] float32: 1 / (T p_t)
  Tensor noise;                ///< [N, C, H, W]
  Tensor dropout_keys = {};    ///< [N] int64; undefined without dropout
  Tensor low_resolution = {};  ///< [N, C, h, w] with its noise; undefined without super-resolution
  Tensor y = {};               ///< [N] int64: the class, or no_class where it is left out; undefined without classes
};

/// Draw: each example has its own streams of random numbers. Tensors are on `device`.
StepDraws draw(const Batch& batch, const TrainingOptions& options, const UNetOptions& network,
               const TimestepSampler& sampler, at::Device device);

/// Per image of the batch, on the network's device, float32 [N].
struct ImageLosses {
  Tensor total;  ///< not weighted
  Tensor mse;    ///< undefined where the objective has none
  Tensor vb;
};

/// The images of a step, and which of them this process has: from `first` on as many as its batch.
struct StepImages {
  std::int64_t all = 0;
  std::int64_t first = 0;
};

/// Backward: adds this process's share of the gradient of the step's weighted mean loss to the parameters'.
/// Microbatches share it by the number of their images, and each graph is gone before the next is built; processes
/// exchange it during the last one.
ImageLosses backward(const Batch& batch, const StepDraws& draws, const UNet& network, const TrainingLosses& losses,
                     std::int64_t microbatch, const StepImages& images, GradientReduction& reduction);

/// What is known of a step on the host; of all images of the step, wherever they were.
struct StepFigures {
  Timesteps t;
  Tensor losses;  ///< [N] float32, not weighted
  double loss = 0;
  std::optional<double> mse = {};
  std::optional<double> vb = {};
  std::array<std::optional<double>, 4> loss_by_quartile = {};
  double gradient_norm = 0;
};

/// Reduce: gradients and losses become those of all processes, the same bits everywhere; the figures come to the host
/// in one copy, and to the other processes in one exchange.
StepFigures reduce(const StepDraws& draws, const ImageLosses& losses, std::int64_t steps,
                   const NamedParameters& parameters, const StepImages& images, GradientReduction& reduction,
                   ProcessGroup& group);

/// Update: clipping, AdamW and the averages.
void update(const NamedParameters& parameters, OptimizerState& state, const TrainingOptions& options,
            std::int64_t steps_done, double learning_rate, double gradient_norm);

}  // namespace iddpm
