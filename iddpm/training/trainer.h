#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/data/batch_loader.h"
#include "iddpm/nn/unet.h"
#include "iddpm/training/checkpoint.h"
#include "iddpm/training/model_settings.h"

namespace iddpm {

enum class Precision { float32, bfloat16 };
enum class LearningRateDecay { none, linear, cosine };  ///< to 0 at `TrainingOptions::steps`
enum class TimestepSampling { uniform, importance };

/// How a model is trained: all that, with the data, determines the result.
struct TrainingOptions {
  std::uint64_t seed = 0;
  std::int64_t batch = 128;
  std::int64_t microbatch = 0;  ///< images per forward and backward pass; 0: the whole batch
  double learning_rate = 1e-4;
  std::int64_t warmup_steps = 0;
  LearningRateDecay decay = LearningRateDecay::none;
  std::int64_t decay_steps = 0;  ///< length of the decay, warm-up included; needed with decay
  double weight_decay = 0.0;
  double gradient_clip = 1.0;  ///< largest L2 norm of the gradient; 0: no clipping
  std::vector<double> ema_rates = {0.9999};
  bool ema_warmup = true;  ///< rate min(rate, (1 + step) / (10 + step)), so that short runs have a useful average
  Precision precision = Precision::float32;
  TimestepSampling timesteps = TimestepSampling::uniform;
  bool random_flip = false;

  bool operator==(const TrainingOptions&) const = default;
};
void to_json(nlohmann::json& json, const TrainingOptions& options);
void from_json(const nlohmann::json& json, TrainingOptions& options);
/// Throws Error naming the first option out of range.
void check(const TrainingOptions& options);

/// What one step saw. Losses are means over the batch, weighted as in training.
struct StepResult {
  std::int64_t step = 0;  ///< steps done, this one included
  double loss = 0;
  std::optional<double> mse;
  std::optional<double> vb;
  std::array<std::optional<double>, 4> loss_by_quartile;  ///< of t; unset where the batch had none
  double gradient_norm = 0;
  double learning_rate = 0;
  std::int64_t images = 0;
};

/// Trains a model: parameters, optimiser, EMA, random streams, timestep history. One call of `step` is one optimiser
/// step. Everything random is a function of the seed and the number of examples seen, so that saving and resuming
/// changes nothing, bit for bit.
class Trainer {
 public:
  /// A new model.
  Trainer(ModelSettings settings, TrainingOptions options, at::Device device = at::kCPU);
  /// Goes on from the state saved by `save`.
  static Trainer resume(const std::filesystem::path& checkpoint, at::Device device = at::kCPU);
  /// Starts a new run from the raw weights (or an EMA) of a model file.
  static Trainer from_checkpoint(const Checkpoint& checkpoint, const WeightChoice& choice, TrainingOptions options,
                                 at::Device device = at::kCPU);
  ~Trainer();
  Trainer(Trainer&&) noexcept;

  /// Throws Error if the loss or the gradient is not finite; the parameters are then unchanged.
  StepResult step(const Batch& batch);

  std::int64_t steps_done() const;
  /// Examples seen so far: where the data go on.
  std::int64_t examples_seen() const;
  const ModelSettings& settings() const;
  const TrainingOptions& options() const;
  UNet network() const;
  /// A network with the weights of the i-th EMA (a copy).
  UNet ema_network(std::size_t index = 0) const;

  /// Writes the model file at `path`, and beside it, under the same name with ".training.safetensors", what `resume`
  /// needs besides: the optimiser's state, step, seed, timestep history and options. The training state is written
  /// first, so that a model file always has its state.
  void save(const std::filesystem::path& path, nlohmann::json origin = nullptr) const;

 private:
  struct State;
  explicit Trainer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace iddpm
