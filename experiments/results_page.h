#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "experiments/finding.h"

namespace iddpm::experiments {

/// Writes a finding's figures (NAME.png, NAME.svg, NAME_<figure>.png ...) and its numbers (NAME.json, with protocol,
/// time and the `command` that makes it) into the folder. Returns what the JSON file holds.
nlohmann::json write_finding(const std::filesystem::path& folder, const Finding& finding, const Outcome& outcome,
                             const Workbench& bench, const std::string& command);

/// Puts the findings whose JSON files lie in `folder` into the page as the section of a data set, between two comments
/// that mark it; the rest of the page stays as it is. A new page gets a heading.
void update_results_page(const std::filesystem::path& page, const std::filesystem::path& folder,
                         const std::string& data_name);

}  // namespace iddpm::experiments
