#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "cli/options/model_options.h"
#include "iddpm/data/dataset.h"

namespace iddpm::cli {

/// Where images come from: --data and how to read them.
struct DataOptions {
  std::filesystem::path path;
  std::string labels = "auto";
  std::filesystem::path csv;
  std::string split;
  double background = 1.0;
};

void add_data_options(CLI::App& verb, DataOptions& options);
/// Without image sizes.
DatasetOptions dataset_options(const DataOptions& options);

/// Says how the data were understood (description_lines).
void describe_data(const Dataset& dataset);

/// runs/<name of the data>, beside the data if this folder lies in them.
std::filesystem::path default_run_folder(const std::filesystem::path& data);

}  // namespace iddpm::cli
