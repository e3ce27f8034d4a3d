#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/samplers/sampler.h"

namespace iddpm {

/// What samplers can be told; each knows some of it. Unset: the default.
struct SamplerOptions {
  std::optional<double> eta = {};  ///< share of the ancestral variance, 0 to 1 (0)

  bool operator==(const SamplerOptions&) const = default;
};

/// A sampler as the table of all of them (registry.h) has it.
struct SamplerEntry {
  std::string name;                  ///< in options, files and records
  std::string help;                  ///< what it does, in a few words
  std::string paper;                 ///< where it comes from
  std::vector<std::string> options;  ///< the names of those of SamplerOptions that it knows
  std::unique_ptr<Sampler> (*make)(const SamplerOptions& options);
};

}  // namespace iddpm
