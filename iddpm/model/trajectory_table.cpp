#include "iddpm/model/trajectory_table.h"

#include <algorithm>

#include "iddpm/core/error.h"
#include "iddpm/diffusion/respacing.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/model/run_folder.h"

namespace iddpm {
namespace {

void check_options(const Model& model, const TrajectoryTableOptions& options) {
  require(!model.settings().network.super_resolution, ErrorKind::unsupported,
          "'{}' enlarges images, and without some to enlarge it has no trajectories to choose timesteps by; expected "
          "them to be chosen by the bound, on data",
          model.path().string());
  require(options.count >= 1 && options.batch >= 1, "trajectories: expected at least 1 image at a time, got {} by {}",
          options.count, options.batch);
  require(options.candidates >= 1 && options.candidates <= most_trajectory_candidates,
          "trajectories: expected 1 to {} candidates, got {}", most_trajectory_candidates, options.candidates);
}

TrajectoryTimesteps walk(const Model& model, const ReverseProcess& process, const TrajectoryTableOptions& options,
                         std::int64_t first, std::int64_t size) {
  std::vector<RandomStream> streams;
  std::vector<std::int64_t> labels;
  for (std::int64_t i = first; i < first + size; ++i) {
    streams.emplace_back(options.seed, StreamPurpose::sampling, static_cast<std::uint64_t>(i));
    if (model.has_classes()) labels.push_back(i % model.settings().network.classes);
  }
  const Tensor y = labels.empty() ? Tensor() : at::tensor(labels, at::kLong);
  return {process.q(), model.denoiser_of(process, y),
          noise_from_streams(std::move(streams), model.image_shape(), model.device())};
}

}  // namespace

TrajectoryTable measure_trajectories(const Model& model, const TrajectoryTableOptions& options,
                                     const ProgressCallback& progress) {
  check_options(model, options);
  const ReverseProcess whole = model.reverse_process();
  const std::int64_t candidates = std::min(options.candidates, whole.steps());
  const ReverseProcess process = whole.respaced(fmt::format("{}", candidates));
  std::optional<TrajectoryTimesteps> trajectories;
  for (std::int64_t first = 0; first < options.count; first += options.batch) {
    const std::int64_t size = std::min(options.batch, options.count - first);
    const TrajectoryTimesteps batch = walk(model, process, options, first, size);
    if (trajectories) {
      trajectories->merge(batch);
    } else {
      trajectories = batch;
    }
    if (progress) progress((first + size) * candidates, options.count * candidates);
  }
  return {.timesteps = process.timestep_map(),
          .trajectories = std::move(*trajectories),
          .process_steps = whole.steps(),
          .weights = model.weights(),
          .checkpoint_sha256 = model.path().empty() ? std::string() : sha256_of_file(model.path()),
          .seed = options.seed};
}

TrajectoryTable load_measured_trajectories(const std::filesystem::path& checkpoint, const std::string& weights) {
  const std::filesystem::path path = trajectory_table_path(checkpoint);
  const std::string command = fmt::format("iddpm respace {} --by trajectories --{}", checkpoint.string(), weights);
  require(std::filesystem::exists(path),
          "the best timesteps of {} have not been measured ({} doesn't exist); '{}' does that", checkpoint.string(),
          path.filename().string(), command);
  TrajectoryTable table = load_trajectory_table(path);
  require(table.weights == weights, "{} was measured for the weights '{}', not '{}'; '{} --overwrite' makes it anew",
          path.string(), table.weights, weights, command);
  require(table.checkpoint_sha256 == sha256_of_file(checkpoint),
          "{} was measured for another model file of this name; '{} --overwrite' makes it anew", path.string(),
          command);
  return table;
}

}  // namespace iddpm
