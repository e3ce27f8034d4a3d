#include "cli/options/respacing_option.h"

#include <charconv>
#include <string_view>

#include "cli/options/values.h"
#include "cli/terminal/command_line.h"
#include "iddpm/core/error.h"
#include "iddpm/diffusion/noise_schedule.h"
#include "iddpm/diffusion/respacing.h"
#include "iddpm/evaluation/likelihood/pairwise_bound_file.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/model/run_folder.h"

namespace iddpm::cli {
namespace {

constexpr std::string_view prefix = "optimal";

// "iddpm respace model.safetensors --data DATA --ema 0.999"
std::string measuring_command(const std::filesystem::path& checkpoint, const std::string& weights) {
  const bool replaces = std::filesystem::exists(pairwise_bound_path(checkpoint));
  return fmt::format("iddpm respace {} --data DATA --{}{}", display_path(checkpoint), weights,
                     replaces ? " --overwrite" : "");
}

}  // namespace

std::optional<std::int64_t> optimal_count(const std::string& specification) {
  if (!specification.starts_with(prefix)) return {};
  const std::string_view digits = std::string_view(specification).substr(prefix.size());
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  require(error == std::errc() && end == digits.data() + digits.size() && count >= 1,
          "expected a count after optimal, such as optimal25, got '{}'", specification);
  return count;
}

void check_respacing(const std::string& specification) {
  require(specification.find_first_of(" \t\n") == std::string::npos, "expected steps without spaces, got '{}'",
          specification);
  if (optimal_count(specification)) return;
  for (const char* by_noise_level : {"logsnr", "karras"}) {
    if (!specification.starts_with(by_noise_level)) continue;
    const std::string count = specification.substr(std::string(by_noise_level).size());
    require(whole_number(count).value_or(0) >= 1, "expected a count after {0}, such as {0}20, got '{1}'",
            by_noise_level, specification);
    return;
  }
  (void)respaced_timesteps(max_schedule_steps, specification);
}

PairwiseBound load_measured_bound(const std::filesystem::path& checkpoint, const std::string& weights) {
  const std::filesystem::path path = pairwise_bound_path(checkpoint);
  require(std::filesystem::exists(path),
          "the best timesteps of {} have not been measured ({} doesn't exist); '{}' does that", checkpoint.string(),
          path.filename().string(), measuring_command(checkpoint, weights));
  PairwiseBound bound = load_pairwise_bound(path);
  require(bound.model.weights == weights, "{} was measured for the weights '{}', not '{}'; '{}' makes it anew",
          path.string(), bound.model.weights, weights, measuring_command(checkpoint, weights));
  require(bound.model.checkpoint_sha256 == sha256_of_file(checkpoint),
          "{} was measured for another model file of this name; '{}' makes it anew", path.string(),
          measuring_command(checkpoint, weights));
  return bound;
}

std::vector<std::int64_t> chosen_timesteps(std::int64_t steps, const std::string& specification,
                                           const std::filesystem::path& checkpoint, const std::string& weights) {
  const std::optional<std::int64_t> count = optimal_count(specification);
  if (!count) return respaced_timesteps(steps, specification);
  const PairwiseBound bound = load_measured_bound(checkpoint, weights);
  require(bound.model.steps == steps, "{}: expected a table of a process of {} steps, got one of {}",
          pairwise_bound_path(checkpoint).string(), steps, bound.model.steps);
  const auto candidates = static_cast<std::int64_t>(bound.timesteps.size());
  require(*count <= candidates, "--steps {}: expected 1 to {}, as many timesteps as {} has to choose from",
          specification, candidates, pairwise_bound_path(checkpoint).filename().string());
  return bound.optimal_timesteps(*count);
}

}  // namespace iddpm::cli
