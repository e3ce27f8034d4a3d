#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/drawn_samples.h"
#include "cli/likelihood.h"
#include "cli/sample_quality.h"
#include "iddpm/evaluation/evaluation_result.h"

namespace iddpm::cli {

/// What `iddpm evaluate` was asked for.
struct EvaluationRequest {
  std::filesystem::path what;  ///< a checkpoint, a run folder, images or a stored result
  /// Wanted if its data are named. Its split, background and count are also those of images that are judged.
  LikelihoodRequest likelihood = {};
  DrawRequest samples = {};
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
};

/// Measures all that was asked for. Throws Error where parts of the request don't go together.
Findings evaluate(const EvaluationRequest& request);

}  // namespace iddpm::cli
