#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "cli/options/compute_options.h"
#include "cli/options/data_options.h"
#include "cli/options/weight_options.h"
#include "iddpm/evaluation/likelihood/bits_per_dimension.h"
#include "iddpm/model/checkpoint.h"

namespace iddpm::cli {

/// What to measure the likelihood of, and on what.
struct LikelihoodRequest {
  std::filesystem::path model;
  WeightOptions weights = {};
  ComputeOptions compute = {};
  DataOptions data = {};
  std::string steps = {};  ///< a respacing specification, "optimal25" included; empty: every step
  std::int64_t count = 0;  ///< 0: all images
  std::int64_t batch = 64;
  std::uint64_t seed = 0;
};

struct Likelihood {
  BitsPerDimension bits;
  CheckpointInfo info;
  std::filesystem::path checkpoint;
  std::string weights;  ///< "ema 0.999" or "raw"
  std::int64_t steps = 0;
  double seconds = 0;
};

/// The data set, its images fitted to the model's size and channels. Throws Error if its classes are not the model's.
std::shared_ptr<const Dataset> open_fitting_dataset(const CheckpointInfo& info, const DataOptions& data);

/// Measures bits per dimension with a progress bar. The images are fitted to the model's size and channels.
Likelihood measure_likelihood(const LikelihoodRequest& request);

}  // namespace iddpm::cli
