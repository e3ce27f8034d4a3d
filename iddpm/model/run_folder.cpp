#include "iddpm/model/run_folder.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "iddpm/core/error.h"
#include "iddpm/model/checkpoint.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "step_";
constexpr std::string_view suffix = ".safetensors";

// The step of "step_00012000.safetensors"; nothing for any other name ("step_00012000.training.safetensors").
std::optional<std::int64_t> step_of(const std::string& name) {
  if (!name.starts_with(prefix) || !name.ends_with(suffix) || name.size() < prefix.size() + suffix.size()) return {};
  const char* begin = name.data() + prefix.size();
  const char* end = name.data() + name.size() - suffix.size();
  std::int64_t step = 0;
  const auto [stopped, error] = std::from_chars(begin, end, step);
  return error == std::errc() && stopped == end && step >= 0 ? std::optional(step) : std::nullopt;
}

// model.safetensors -> model.<kind>.safetensors
fs::path path_beside(const fs::path& checkpoint, const std::string& kind) {
  return fs::path(checkpoint).replace_extension("." + kind + checkpoint.extension().string());
}

}  // namespace

fs::path find_whole_checkpoint(const fs::path& folder, const std::function<void(const fs::path&)>& check_whole,
                               std::vector<std::string>* skipped) {
  const std::vector<RunCheckpoint> checkpoints = list_checkpoints(folder);
  require(!checkpoints.empty(), "{} holds no checkpoint (no file checkpoints/step_*.safetensors)", folder.string());
  std::string newest_error;
  for (auto checkpoint = checkpoints.rbegin(); checkpoint != checkpoints.rend(); ++checkpoint) {
    try {
      check_whole(checkpoint->path);
      return checkpoint->path;
    } catch (const Error& error) {
      if (newest_error.empty()) newest_error = error.what();
      if (skipped != nullptr) skipped->push_back(error.what());
    }
  }
  fail(ErrorKind::damaged_file, "{} holds no checkpoint that is whole; of the newest: {}", folder.string(),
       newest_error);
}

fs::path checkpoint_path(const fs::path& run_folder, std::int64_t step) {
  return run_folder / "checkpoints" / fmt::format("{}{:08d}{}", prefix, step, suffix);
}

fs::path training_state_path(const fs::path& checkpoint) { return path_beside(checkpoint, "training"); }

fs::path pairwise_bound_path(const fs::path& checkpoint) { return path_beside(checkpoint, "pairwise_bound"); }

fs::path trajectory_table_path(const fs::path& checkpoint) { return path_beside(checkpoint, "trajectories"); }

std::vector<RunCheckpoint> list_checkpoints(const fs::path& run_folder) {
  std::error_code error;
  const fs::path inner = run_folder / "checkpoints";
  const fs::path folder = fs::is_directory(inner, error) ? inner : run_folder;
  std::vector<RunCheckpoint> checkpoints;
  fs::directory_iterator entries(folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::optional<std::int64_t> step = step_of(entries->path().filename().string());
    if (step.has_value()) checkpoints.push_back({entries->path(), *step});
  }
  require(!error, "cannot read the folder {}: {}", folder.string(), error.message());
  std::sort(checkpoints.begin(), checkpoints.end(), [](const RunCheckpoint& a, const RunCheckpoint& b) {
    return std::tie(a.step, a.path) < std::tie(b.step, b.path);
  });
  return checkpoints;
}

fs::path find_checkpoint(const fs::path& path, std::vector<std::string>* skipped) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    require(fs::exists(path, error), "{} doesn't exist; expected a model file or the folder of a run", path.string());
    return path;
  }
  if (diffusers::is_model_folder(path) && list_checkpoints(path).empty()) return diffusers::weights_file(path);
  return find_whole_checkpoint(
      path, [](const fs::path& file) { Checkpoint(file).verify(); }, skipped);
}

void remove_old_checkpoints(const fs::path& run_folder, std::int64_t keep, std::int64_t newest_step,
                            const std::function<bool(const RunCheckpoint&)>& is_whole) {
  std::vector<RunCheckpoint> checkpoints = list_checkpoints(run_folder);
  std::erase_if(checkpoints, [&](const RunCheckpoint& checkpoint) { return checkpoint.step > newest_step; });
  std::int64_t kept = 0;
  for (auto checkpoint = checkpoints.rbegin(); checkpoint != checkpoints.rend(); ++checkpoint) {
    if (kept < std::max<std::int64_t>(keep, 1)) {
      if (!is_whole || is_whole(*checkpoint)) ++kept;
      continue;
    }
    // The model file first, so that one that is there always has its state.
    std::error_code error;
    fs::remove(checkpoint->path, error);
    require(!error, "cannot delete {}: {}", checkpoint->path.string(), error.message());
    fs::remove(training_state_path(checkpoint->path), error);
    fs::remove(pairwise_bound_path(checkpoint->path), error);
    fs::remove(trajectory_table_path(checkpoint->path), error);
  }
}

}  // namespace iddpm
