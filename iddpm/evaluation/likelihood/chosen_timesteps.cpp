#include "iddpm/evaluation/likelihood/chosen_timesteps.h"

#include <charconv>
#include <string_view>

#include "iddpm/core/error.h"
#include "iddpm/diffusion/respacing.h"
#include "iddpm/evaluation/likelihood/pairwise_bound_file.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/model/run_folder.h"

namespace iddpm {
namespace {

constexpr std::string_view optimal_prefix = "optimal";

// "iddpm respace model.safetensors --data DATA --ema 0.999"
std::string measuring_command(const std::filesystem::path& checkpoint, const std::string& weights) {
  const bool replaces = std::filesystem::exists(pairwise_bound_path(checkpoint));
  return fmt::format("iddpm respace {} --data DATA --{}{}", checkpoint.string(), weights,
                     replaces ? " --overwrite" : "");
}

}  // namespace

std::optional<std::int64_t> optimal_count(const std::string& specification) {
  if (!specification.starts_with(optimal_prefix)) return {};
  const std::string_view digits = std::string_view(specification).substr(optimal_prefix.size());
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  require(error == std::errc() && end == digits.data() + digits.size() && count >= 1,
          "expected a count after optimal, such as optimal25, got '{}'", specification);
  return count;
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

std::vector<std::int64_t> chosen_timesteps(const Model& model, const std::string& specification) {
  const std::int64_t steps = model.settings().diffusion.steps;
  const std::optional<std::int64_t> count = optimal_count(specification);
  if (!count) return respaced_timesteps(model.reverse_process().q().schedule(), specification);
  const PairwiseBound bound = load_measured_bound(model.path(), model.weights());
  require(bound.model.steps == steps, "{}: expected a table of a process of {} steps, got one of {}",
          pairwise_bound_path(model.path()).string(), steps, bound.model.steps);
  const auto candidates = static_cast<std::int64_t>(bound.timesteps.size());
  require(*count <= candidates, "steps '{}': expected 1 to {}, as many timesteps as {} has to choose from",
          specification, candidates, pairwise_bound_path(model.path()).filename().string());
  return bound.optimal_timesteps(*count);
}

}  // namespace iddpm
