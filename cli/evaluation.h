#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/options/compute_options.h"
#include "cli/options/data_options.h"
#include "cli/options/guidance_options.h"
#include "cli/options/weight_options.h"
#include "iddpm/core/error.h"
#include "iddpm/evaluation/evaluation_result.h"
#include "iddpm/evaluation/judge.h"
#include "iddpm/evaluation/likelihood/likelihood.h"
#include "iddpm/model/draw.h"

namespace iddpm::cli {

/// What `iddpm evaluate` was asked about, by what lies at the path.
enum class EvaluationInput {
  model,   ///< a checkpoint or run folder
  images,  ///< a data set: a folder of images, an .npz, ...
  result   ///< a .json that an evaluation wrote
};
/// Throws Error naming the path if there is nothing.
EvaluationInput kind_of_input(const std::filesystem::path& path);

/// What `iddpm evaluate` was asked for.
struct EvaluationRequest {
  std::filesystem::path what;  ///< a checkpoint, a run folder, images or a stored result
  WeightOptions weights = {};
  ComputeOptions compute = {};
  /// The likelihood is wanted if its data are named. Their split and background are also those of images that are
  /// judged, as the likelihood's count is.
  DataOptions data = {};
  LikelihoodOptions likelihood = {};
  DrawRequest samples = {};             ///< images 0 .. count - 1, as `iddpm sample` draws them
  GuidanceArguments guidance = {};      ///< of the samples
  std::string start = "noise";          ///< of the samples, as --start says
  std::filesystem::path features = {};  ///< a feature network, which judging samples takes
  ReferenceOptions reference = {};      ///< wanted if a path is given
  std::vector<std::int64_t> neighbours = {3, 5};
  ModelOptions size = {};  ///< size and channels that images are fitted to
  std::filesystem::path save_reference = {};
};

/// What it found.
struct Findings {
  std::vector<EvaluationResult> results = {};
  nlohmann::json record = nlohmann::json::object();  ///< for scripts
  std::string text = {};                             ///< for people
  std::optional<Error> obstacle = {};                ///< what couldn't be had; what is here stands all the same
};

/// Measures all that was asked for. Throws Error where parts of the request don't go together.
Findings evaluate(const EvaluationRequest& request);

}  // namespace iddpm::cli
