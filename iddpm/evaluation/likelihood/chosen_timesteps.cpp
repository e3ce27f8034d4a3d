#include "iddpm/evaluation/likelihood/chosen_timesteps.h"

#include <charconv>
#include <string_view>

#include "iddpm/core/error.h"
#include "iddpm/diffusion/respacing.h"
#include "iddpm/evaluation/likelihood/pairwise_bound_file.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/model/trajectory_table.h"

namespace iddpm {
namespace {

// The count of a specification such as "optimal25", given "optimal".
std::optional<std::int64_t> count_after(std::string_view prefix, const std::string& specification) {
  if (!specification.starts_with(prefix)) return {};
  const std::string_view digits = std::string_view(specification).substr(prefix.size());
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  require(error == std::errc() && end == digits.data() + digits.size() && count >= 1,
          "expected a count after {0}, such as {0}25, got '{1}'", prefix, specification);
  return count;
}

void require_candidates(std::int64_t count, std::size_t candidates, const std::string& specification,
                        const std::filesystem::path& table) {
  require(count <= static_cast<std::int64_t>(candidates),
          "steps '{}': expected 1 to {}, as many timesteps as {} has to choose from", specification, candidates,
          table.filename().string());
}

// "iddpm respace model.safetensors --data DATA --ema 0.999"
std::string measuring_command(const std::filesystem::path& checkpoint, const std::string& weights) {
  const bool replaces = std::filesystem::exists(pairwise_bound_path(checkpoint));
  return fmt::format("iddpm respace {} --data DATA --{}{}", checkpoint.string(), weights,
                     replaces ? " --overwrite" : "");
}

}  // namespace

std::optional<std::int64_t> optimal_count(const std::string& specification) {
  return count_after("optimal", specification);
}

std::optional<std::int64_t> best_count(const std::string& specification) { return count_after("best", specification); }

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
  if (const std::optional<std::int64_t> count = best_count(specification)) {
    const TrajectoryTable table = load_measured_trajectories(model.path(), model.weights());
    const std::filesystem::path path = trajectory_table_path(model.path());
    require(table.process_steps == steps, "{}: expected a table of a process of {} steps, got one of {}", path.string(),
            steps, table.process_steps);
    require_candidates(*count, table.timesteps.size(), specification, path);
    return table.best_timesteps(*count);
  }
  const std::optional<std::int64_t> count = optimal_count(specification);
  if (!count) return respaced_timesteps(model.reverse_process().q().schedule(), specification);
  const PairwiseBound bound = load_measured_bound(model.path(), model.weights());
  const std::filesystem::path path = pairwise_bound_path(model.path());
  require(bound.model.steps == steps, "{}: expected a table of a process of {} steps, got one of {}", path.string(),
          steps, bound.model.steps);
  require_candidates(*count, bound.timesteps.size(), specification, path);
  return bound.optimal_timesteps(*count);
}

}  // namespace iddpm
