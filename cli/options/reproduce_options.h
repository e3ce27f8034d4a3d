#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/options/compute_options.h"
#include "cli/options/data_options.h"
#include "experiments/settings.h"

namespace iddpm::cli {

/// The options of `iddpm reproduce`: data, --scale and what overrides it, where things go.
struct ReproduceOptions {
  DataOptions data;
  std::int64_t image_size = 0;  ///< 0: the data's own
  ComputeOptions compute;
  experiments::Settings settings;  ///< the rest
};

void add_reproduce_options(CLI::App& verb, ReproduceOptions& options);

/// Those of quality-per-minute alone, and those that it shares with gan.
std::vector<std::string> quality_option_names();
std::vector<std::string> gan_option_names();

/// With data, device and precision. Throws Error without --data.
experiments::Settings settings_of(const ReproduceOptions& options);

/// The options that differ from the small scale's defaults, as one would type them.
std::string command_options(const experiments::Settings& settings);

}  // namespace iddpm::cli
