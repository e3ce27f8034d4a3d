#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "iddpm/evaluation/protocol.h"

namespace iddpm {

/// Figures and the protocol that gave them: neither goes without the other.
struct EvaluationResult {
  Protocol protocol = {};
  nlohmann::json figures = {};  ///< an object
};

/// {"format", "measurement_id", "protocol", "figures"}.
void to_json(nlohmann::json& json, const EvaluationResult& result);

/// Atomically, indented.
void save_result(const std::filesystem::path& path, const EvaluationResult& result);

/// Throws Error naming the file if it is no result, or its protocol has been changed so that its id doesn't fit any
/// more.
EvaluationResult load_result(const std::filesystem::path& path);

}  // namespace iddpm
