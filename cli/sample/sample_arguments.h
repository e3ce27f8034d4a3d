#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/options/compute_options.h"
#include "cli/options/editing_options.h"
#include "cli/options/enlarging_options.h"
#include "cli/options/guidance_options.h"
#include "cli/options/process_options.h"
#include "cli/options/weight_options.h"
#include "iddpm/samplers/registry.h"

namespace iddpm::cli {

/// The command line of `iddpm sample`.
struct SampleArguments {
  std::filesystem::path model;
  WeightOptions weights;
  ComputeOptions compute;
  ProcessOptions processes;
  std::optional<std::int64_t> count;
  std::optional<std::string> steps;
  std::string sampler = default_sampler;
  SamplerOptions sampler_options;
  GuidanceArguments guidance;
  std::string start = "noise";
  EditingOptions editing;
  EnlargingOptions enlarging;
  std::vector<std::string> classes;
  bool by_class = false;
  std::uint64_t seed = 0;
  std::uint64_t first = 0;
  std::int64_t batch = 64;
  std::filesystem::path out;
  std::filesystem::path npz;
  std::filesystem::path film;
  bool grid_only = false;
  bool overwrite = false;
  bool json = false;
};

}  // namespace iddpm::cli
