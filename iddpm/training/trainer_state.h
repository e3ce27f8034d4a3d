#pragma once

#include <memory>

#include "iddpm/diffusion/losses.h"
#include "iddpm/diffusion/timestep_sampler.h"
#include "iddpm/processes/process_group.h"
#include "iddpm/training/gradient_reduction.h"
#include "iddpm/training/optimizer_shards.h"
#include "iddpm/training/trainer.h"

namespace iddpm {

/// Throws Error where images would be moved without the network being told.
void check_augmentation(const ModelSettings& settings, const TrainingOptions& options);

std::unique_ptr<TimestepSampler> new_timestep_sampler(TimestepSampling kind, const DiffusionSettings& diffusion);

/// Inside a Trainer.
struct Trainer::State {
  /// A network at the start of a run.
  State(ModelSettings model_settings, TrainingOptions training_options, UNet unet, at::Device device);

  /// All processes together: the pixels seen by each become known to all.
  void share_pixels();

  ModelSettings settings;
  TrainingOptions options;
  UNet network;
  NamedParameters parameters;
  OptimizerState optimizer;
  GradientBuffer gradients;
  TrainingLosses losses;
  std::unique_ptr<TimestepSampler> timesteps;
  std::shared_ptr<ProcessGroup> group = std::make_shared<SingleProcess>();
  std::unique_ptr<GradientReduction> reduction;
  std::unique_ptr<OptimizerShards> shards;  ///< null: every process keeps all
  std::int64_t step = 0;
  std::int64_t examples_seen = 0;
  SkippedSteps skipped;
  double seconds_trained = 0;
  PixelStatistics data_pixels;
  PixelStatistics own_pixels;  ///< of this process's images, not yet in `data_pixels`
  nlohmann::json origin = nullptr;
};

}  // namespace iddpm
