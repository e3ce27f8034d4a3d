#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "experiments/finding.h"
#include "experiments/settings.h"

/// The samplers that are compared, and what is said of how they did.
namespace iddpm::experiments {

/// A sampler with a spacing of timesteps, and its distances by evaluations of the network.
struct Contender {
  std::string sampler;
  std::string spacing = {};  ///< before the number of steps in a specification; "": evenly
  std::map<std::int64_t, double> distances = {};

  std::string label() const { return spacing.empty() ? sampler : sampler + ", " + spacing; }
};

/// Timesteps found for the model, as a contender's spacing.
inline constexpr const char* found_spacing = "best";

/// Every sampler of the table, evenly; the program's default as it is; and samplers with other spacings.
std::vector<Contender> all_contenders();

/// What the program takes where nobody says, among them. Throws Error if it isn't.
const Contender& default_contender(const std::vector<Contender>& contenders);

/// How often the network may be asked: 5, 8, ... as far as the scale allows.
std::vector<std::int64_t> evaluation_counts(const Scale& scale);

/// Of them, those that a contender is measured at: with a spacing of its own at most 30, beyond which spacings differ
/// little.
std::vector<std::int64_t> counts_of(const Contender& contender, const std::vector<std::int64_t>& counts);

/// The greatest of the counts that is at most `most`, or the least.
std::int64_t nearest_count(const std::vector<std::int64_t>& counts, std::int64_t most);

/// A row for each contender, in Markdown; "-" where it wasn't measured.
std::string distances_table(const std::vector<Contender>& contenders, const std::vector<std::int64_t>& counts);

/// Whether few evaluations do what many of the ancestral sampler don't, and how the default does.
struct SamplerVerdict {
  Verdict verdict = Verdict::shown;
  std::string found = {};
};
/// `real`: the distance of `samples` real images, as many as were drawn.
SamplerVerdict judge_contenders(const std::vector<Contender>& contenders, const std::vector<std::int64_t>& counts,
                                std::int64_t samples, double real);

}  // namespace iddpm::experiments
