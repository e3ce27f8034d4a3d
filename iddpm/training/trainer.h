#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/data/batch_loader.h"
#include "iddpm/model/checkpoint.h"
#include "iddpm/model/model_settings.h"
#include "iddpm/nn/unet.h"
#include "iddpm/processes/process_group.h"
#include "iddpm/training/training_options.h"
#include "iddpm/training/training_state.h"

namespace iddpm {

/// What one step saw. Losses are means over the batch, weighted as in training.
struct StepResult {
  std::int64_t step = 0;  ///< steps done, this one included
  double loss = 0;
  std::optional<double> mse = {};
  std::optional<double> vb = {};
  std::array<std::optional<double>, 4> loss_by_quartile = {};  ///< of t; unset where the batch had none
  double gradient_norm = 0;                                    ///< before clipping
  double learning_rate = 0;
  std::int64_t images = 0;
  bool skipped = false;  ///< the loss or the gradient was not finite: nothing was updated
};

/// Trains a model: parameters, optimiser, EMA, random streams, timestep history. One call of `step` is one optimiser
/// step. Everything random is a function of the seed and the example's number since the start of the run, so that
/// neither microbatches nor saving and resuming change anything (the latter bit for bit).
class Trainer {
 public:
  /// A new model. Throws Error if settings or options are out of range.
  Trainer(ModelSettings settings, TrainingOptions options, at::Device device = at::kCPU);
  /// Goes on from the state saved by `save`.
  static Trainer resume(const std::filesystem::path& checkpoint, at::Device device = at::kCPU);
  /// Starts a new run from the raw weights (or an EMA) of a model file.
  static Trainer from_checkpoint(const Checkpoint& checkpoint, const WeightChoice& choice, TrainingOptions options,
                                 at::Device device = at::kCPU);
  ~Trainer();
  Trainer(Trainer&&) noexcept;

  /// From now on trains together with other processes, each with its share of each batch (ProcessGroup::share_of): all
  /// become what rank 0 is. The others' trainers must have the same settings and options; they need not have the same
  /// state. With `shard_optimizer` each keeps the moments and averages of its share of the parameters only. Then
  /// `step`, `save`, `data_pixels` and `ema_network` are for all processes together. Throws Error if a batch has fewer
  /// images than there are processes.
  void join(std::shared_ptr<ProcessGroup> group, bool shard_optimizer = false);
  ProcessGroup& group() const;

  /// The gradient is that of the mean over the whole batch, whatever the microbatch. A step whose loss or gradient is
  /// not finite updates neither weights nor averages; it counts as a step all the same, so that the data go on. Throws
  /// NotFiniteError at the one that follows `most_skipped_in_a_row` of them, and Error if the batch doesn't fit the
  /// model or isn't the one that follows (its first example must be number `examples_seen()`, with other processes
  /// the first of this one's share); the trainer is then unchanged.
  StepResult step(const Batch& batch);
  static constexpr std::int64_t most_skipped_in_a_row = 9;

  std::int64_t steps_done() const;
  /// Examples seen so far: where the data go on.
  std::int64_t examples_seen() const;
  /// Steps that updated nothing.
  SkippedSteps skipped_steps() const;
  /// What a decay by time goes by: to be set before each step by who holds the clock. Saved, if there is such a decay.
  void set_seconds_trained(double seconds);
  double seconds_trained() const;
  /// Goes on with other options, those that may change in the middle of a run: all but the seed. An average of a new
  /// rate begins as the average of the nearest rate (as the weights, if there is none). Throws Error if they are out of
  /// range.
  void change_options(TrainingOptions options);
  /// Lets all averages begin anew as the weights are now.
  void restart_averages();
  /// Of the images that it was trained on so far.
  const PixelStatistics& data_pixels();
  const ModelSettings& settings() const;
  const TrainingOptions& options() const;
  /// The network in training: shares its parameters, and computes in the options' precision.
  UNet network() const;
  /// A network of its own with the weights of the i-th EMA.
  UNet ema_network(std::size_t index = 0) const;

  /// Writes the model file at `path`, and beside it, under the same name with ".training.safetensors", what `resume`
  /// needs besides: the optimiser's state, step, seed, timestep history and options. The training state is written
  /// first, so that a model file always has its state; only rank 0 writes. `origin` is for people (where the data came
  /// from); null: that of the checkpoint resumed.
  void save(const std::filesystem::path& path, nlohmann::json origin = nullptr);

 private:
  struct State;
  explicit Trainer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace iddpm
