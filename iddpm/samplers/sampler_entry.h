#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/samplers/sampler.h"

namespace iddpm {

/// What samplers can be told; each knows some of it. Unset: the sampler's default.
struct SamplerOptions {
  std::optional<double> eta = {};
  std::optional<std::int64_t> order = {};
  std::optional<double> churn = {};
  std::optional<double> churn_min = {};
  std::optional<double> churn_max = {};
  std::optional<double> churn_noise = {};
  std::optional<double> threshold = {};

  bool operator==(const SamplerOptions&) const = default;
};

/// Calls `visitor(name, value, help)` for each option in turn.
template <typename Options, typename Visitor>
void visit_sampler_options(Options& options, Visitor visitor) {
  visitor("eta", options.eta, "noise of a step as a share of the ancestral one's");
  visitor("order", options.order, "order of the solver, how many predictions a step looks at");
  visitor("churn", options.churn, "noise added before steps, S_churn of EDM");
  visitor("churn_min", options.churn_min, "least noise level (sigma / alpha) with churn");
  visitor("churn_max", options.churn_max, "greatest noise level with churn");
  visitor("churn_noise", options.churn_noise, "standard deviation of churn's noise, S_noise");
  visitor("threshold", options.threshold, "dynamic thresholding instead of clipping x_0: the quantile, such as 0.995");
}

/// An option as a sampler knows it.
struct SamplerOption {
  std::string name;
  double otherwise = 0.0;  ///< what holds where it is unset
  double least = 0.0;
  double greatest = 0.0;
  bool told_always = true;  ///< in records; or only where it is set
};

/// A sampler as the table of all of them (registry.h) has it.
struct SamplerEntry {
  std::string name;                    ///< in options, files and records
  std::string help;                    ///< what it does, in a few words
  std::string paper;                   ///< where it comes from
  std::vector<SamplerOption> options;  ///< those of SamplerOptions that it knows; the threshold all do
  std::unique_ptr<Sampler> (*make)(const SamplerOptions& options);
  std::int64_t usual_steps = 20;           ///< where nobody says how many ...
  const char* usual_spacing = "trailing";  ///< ... and where they look: what stands before the number (respacing.h)
  bool multistep = false;  ///< steps look at what earlier ones saw: not for runs that go back (inpainting.h)
};

}  // namespace iddpm
