#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iddpm/core/fields.h"
#include "iddpm/model/compute.h"

namespace iddpm {

/// How the learning rate falls to 0 at the end of the decay.
enum class LearningRateDecay { none, linear, cosine };
/// How t is drawn: evenly, by the second moments of the loss (arXiv 2102.09672 eq. 18), or by a density over log-SNR
/// (diffusion/density_timesteps.h). Always with weights that leave the mean of the loss as it is.
enum class TimestepSampling { uniform, importance, normal, laplace };

/// What updates the weights: AdamW, or Muon for the matrices within the network and AdamW for the rest.
enum class OptimizerKind { adamw, muon };

/// How a model is trained: all that, with the data, determines the result.
struct TrainingOptions {
  std::uint64_t seed = 0;
  std::int64_t batch = 128;
  std::int64_t microbatch = 0;  ///< images per forward and backward pass; 0: the whole batch
  double learning_rate = 1e-4;
  std::int64_t warmup_steps = 0;  ///< during which the learning rate rises linearly
  std::int64_t warmup_from = 0;   ///< the step after which the warm-up begins: not 0 where one was asked for later
  LearningRateDecay decay = LearningRateDecay::none;
  /// End of the decay, warm-up included, in steps and in minutes of training (all sessions together); 0: not by that
  /// measure. A decay needs one; with both it ends at whichever comes first.
  std::int64_t decay_steps = 0;
  double decay_minutes = 0;
  OptimizerKind optimizer = OptimizerKind::adamw;
  std::vector<double> adam_betas = {0.9, 0.999};  ///< of AdamW's two moments
  double weight_decay = 0.0;
  double gradient_clip = 1.0;  ///< largest L2 norm of the gradient; 0: no clipping
  std::vector<double> ema_rates = {0.9999};
  bool ema_warmup = true;  ///< rate min(rate, (1 + step) / (10 + step)), so that short runs have a useful average
  Precision precision = Precision::float32;
  TimestepSampling timesteps = TimestepSampling::uniform;
  /// Probability of scaling, turning and shifting an image, of which the network is told (training/augmentation.h); 0:
  /// images are as they are. The network needs augmentation_condition.
  double augmentation = 0;
  bool random_flip = false;  ///< of images, left to right (done by the batch loader)

  bool operator==(const TrainingOptions&) const = default;
};

/// Every option, once: JSON, command line and tables follow.
void visit_fields(TrainingOptions& options, const FieldVisitor& visit);

void to_json(nlohmann::json& json, const TrainingOptions& options);
/// Strict: throws Error on unknown or missing fields, wrong types and values out of range or that don't go together.
void from_json(const nlohmann::json& json, TrainingOptions& options);
/// Throws Error naming the first option out of range.
void check(const TrainingOptions& options);

/// Names for files and options: "none", "linear", "cosine"; "uniform", "importance". The parsers
/// throw Error listing the names there are.
std::string name(LearningRateDecay decay);
std::string name(TimestepSampling sampling);
LearningRateDecay parse_learning_rate_decay(const std::string& name);
TimestepSampling parse_timestep_sampling(const std::string& name);

}  // namespace iddpm
