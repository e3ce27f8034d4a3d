#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "iddpm/core/progress.h"
#include "iddpm/data/dataset.h"
#include "iddpm/evaluation/evaluation_result.h"
#include "iddpm/evaluation/likelihood/bits_per_dimension.h"
#include "iddpm/evaluation/likelihood/pairwise_bound.h"
#include "iddpm/model/model.h"

namespace iddpm {

/// A data set whose images are fitted to a model's size and channels. Throws Error if its classes are not the model's.
std::shared_ptr<const Dataset> open_fitting_dataset(const ModelSettings& settings, const std::filesystem::path& path,
                                                    DatasetOptions options = {});

/// How the likelihood of a model is measured.
struct LikelihoodOptions {
  std::string steps = {};  ///< a respacing specification, "optimal25" included; empty: every step
  std::int64_t count = 0;  ///< images, evenly spread over the data set; 0: all
  std::int64_t batch = 64;
  std::uint64_t seed = 0;  ///< of the noise
};

struct Likelihood {
  BitsPerDimension bits = {};
  ModelRecord model = {};
};

/// Bits per dimension of a model on images of its size. `progress` counts images times timesteps.
Likelihood measure_likelihood(const Model& model, const Dataset& dataset, const LikelihoodOptions& options = {},
                              const ProgressCallback& progress = {});

/// The same with its protocol, as a result. `source`: what to call the images.
EvaluationResult likelihood_result(const Likelihood& likelihood, const std::string& source);

/// The table of a model's best timesteps, with the model file and its weights named in it. `source`: what to call the
/// images. `options.device` is the model's. `progress` counts images times candidates.
PairwiseBound measure_pairwise_bound(const Model& model, const Dataset& dataset, PairwiseBoundOptions options,
                                     const std::string& source, const ProgressCallback& progress = {});

}  // namespace iddpm
