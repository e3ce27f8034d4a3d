#include "cli/respace_by_trajectories.h"

#include <algorithm>
#include <chrono>

#include "cli/options/effect.h"
#include "cli/options/open_model.h"
#include "cli/options/output_file.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/printed_json.h"
#include "cli/terminal/watched_progress.h"
#include "iddpm/core/error.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/version.h"

namespace iddpm::cli {
namespace {

std::vector<std::int64_t> counts_to_print(std::vector<std::int64_t> steps, std::int64_t candidates) {
  for (const std::int64_t count : steps) {
    require(count >= 1 && count <= candidates,
            "--steps {}: expected 1 to {}, as many timesteps as there are to choose "
            "from",
            count, candidates);
  }
  if (!steps.empty()) return steps;
  for (const std::int64_t count : {5, 8, 10, 15, 20, 30}) {
    if (count <= candidates) steps.push_back(count);
  }
  return steps;
}

TrajectoryTable measure(const Model& model, const TrajectoryTableOptions& options) {
  WatchedProgress progress("Walking trajectories");
  return measure_trajectories(model, options, std::ref(progress));
}

std::string table_text(const std::filesystem::path& path, const TrajectoryTable& table,
                       const std::vector<std::int64_t>& counts) {
  std::string text = fmt::format(
      "Timesteps of {} ({}) that follow {} of its own trajectories best, of {} candidates:\n  steps   timesteps\n",
      path.filename().string(), table.weights, table.trajectories.images(), table.timesteps.size());
  for (const std::int64_t count : counts) {
    text += fmt::format("  {:5}   {}\n", count, fmt::join(table.best_timesteps(count), " "));
  }
  return text;
}

nlohmann::json to_json(const std::filesystem::path& path, const TrajectoryTable& table,
                       const std::filesystem::path& file, const std::vector<std::int64_t>& counts) {
  nlohmann::json spacings = nlohmann::json::array();
  for (const std::int64_t count : counts) {
    spacings.push_back({{"steps", count}, {"timesteps", table.best_timesteps(count)}});
  }
  return {{"model", path.filename().string()},
          {"weights", table.weights},
          {"trajectories", table.trajectories.images()},
          {"seed", table.seed},
          {"original_steps", table.process_steps},
          {"candidates", table.timesteps.size()},
          {"table", file.string()},
          {"spacings", spacings},
          {"version", version}};
}

}  // namespace

void respace_by_trajectories(const CLI::App& verb, const std::filesystem::path& model, const WeightOptions& weights,
                             const ComputeOptions& compute, const TrajectoryTableOptions& options,
                             std::vector<std::int64_t> steps, bool overwrite, bool json) {
  apply_threads(compute);
  const std::filesystem::path path = find_model(model);
  const std::filesystem::path file = trajectory_table_path(path);
  const Checkpoint checkpoint(path);
  TrajectoryTable table = [&]() -> TrajectoryTable {
    if (std::filesystem::exists(file) && !overwrite) {
      refuse_idle(verb, {"--count", "--candidates", "--batch", "--seed", "--device", "--precision", "--threads"},
                  "since " + file.filename().string() + " was measured before; --overwrite measures anew");
      return load_measured_trajectories(path, weights_name(checkpoint, weight_choice(weights)));
    }
    (void)counts_to_print(steps, std::min(options.candidates, checkpoint.info().settings.diffusion.steps));
    check_output_file("the table", file, true);
    return measure(open_model(path, weights, compute), options);
  }();
  const std::vector<std::int64_t> counts =
      counts_to_print(std::move(steps), static_cast<std::int64_t>(table.timesteps.size()));
  print(json ? printed_json(to_json(path, table, file, counts)) : table_text(path, table, counts));
  if (overwrite || !std::filesystem::exists(file)) {
    save_trajectory_table(file, table);
    say(fmt::format("Kept in {}; iddpm sample --steps best{} takes them from there", display_path(file),
                    counts.empty() ? 10 : counts.back()));
  }
}

}  // namespace iddpm::cli
