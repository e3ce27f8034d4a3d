#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iddpm/model/checkpoint.h"
#include "iddpm/training/trainer.h"

namespace iddpm {

/// What a new run takes from a model.
struct TakenOver {
  std::int64_t parameters = 0;             ///< scalars taken over
  std::vector<std::string> new_classes;    ///< whose embedding begins as that of a new network
  std::vector<std::string> other_classes;  ///< of the model, not of the run
};

/// A trainer at step 0 whose network has a model's weights: all parameters under their names, and of the classes'
/// embedding the rows of those that `settings` name as well. The rest begins as in a new network; the optimiser and the
/// averages begin anew. Throws Error if `settings` have another network but for classes, dropout (of classes too) and
/// checkpointing.
Trainer fine_tuned(const Checkpoint& checkpoint, const WeightChoice& choice, ModelSettings settings,
                   TrainingOptions options, at::Device device, TakenOver* taken_over = nullptr);

/// The model's classes and after them those that only the data have, in their order; a model whose classes have no
/// names has names "0", "1", ....
std::vector<std::string> extended_classes(const ModelSettings& model, const std::vector<std::string>& data);

/// Names of a model's classes: "0", "1", ... if it doesn't say.
std::vector<std::string> class_names_of(const ModelSettings& model);

}  // namespace iddpm
