#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "iddpm/evaluation/evaluation_result.h"

namespace iddpm::cli {

/// The figures of any result as lines of text.
std::string figures_table(const EvaluationResult& result);

/// Adds a result to what `iddpm evaluate --json` gives: its figures under "bits_per_dimension" or "sample_quality",
/// with "measurement_id" and "protocol" among them.
void add_section(nlohmann::json& record, const EvaluationResult& result);

/// The results in a file that `iddpm evaluate --json-file` or save_result wrote. Throws Error naming it if there are
/// none, or a protocol has been changed so that its id doesn't fit any more.
std::vector<EvaluationResult> load_results(const std::filesystem::path& path);

/// Two sets of results side by side, as a table for people and under "comparison" in the record. Throws Error naming
/// the file `other` if none of them may be compared, saying why.
std::string compare_results(const std::vector<EvaluationResult>& results, const std::filesystem::path& other,
                            const std::vector<EvaluationResult>& others, nlohmann::json& record);

}  // namespace iddpm::cli
