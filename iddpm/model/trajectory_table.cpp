#include "iddpm/model/trajectory_table.h"

#include <algorithm>

#include "iddpm/core/error.h"
#include "iddpm/core/fields.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/diffusion/respacing.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/io/safetensors.h"
#include "iddpm/model/run_folder.h"

namespace iddpm {
namespace {

constexpr const char* format_key = "format";
constexpr const char* record_key = "record";
constexpr const char* table_format = "iddpm trajectories 1";
constexpr std::int64_t max_candidates = 1000;

// What the metadata says of the table.
struct TableRecord {
  std::int64_t process_steps = 1;
  std::int64_t images = 1;
  std::string weights = {};
  std::string checkpoint_sha256 = {};
  std::uint64_t seed = 0;
};

void visit_fields(TableRecord& record, const FieldVisitor& visit) {
  visit({.name = "process_steps", .help = "steps of the model's process", .least = 1}, &record.process_steps);
  visit({.name = "images", .help = "trajectories that were walked", .least = 1}, &record.images);
  visit({.name = "weights", .help = "which of the model's"}, &record.weights);
  visit({.name = "checkpoint_sha256", .help = "of the model file"}, &record.checkpoint_sha256);
  visit({.name = "seed", .help = "of the noise"}, &record.seed);
}

void check_options(const Model& model, const TrajectoryTableOptions& options) {
  require(!model.settings().network.super_resolution, ErrorKind::unsupported,
          "'{}' enlarges images, and without some to enlarge it has no trajectories to choose timesteps by; expected "
          "them to be chosen by the bound, on data",
          model.path().string());
  require(options.count >= 1 && options.batch >= 1, "trajectories: expected at least 1 image at a time, got {} by {}",
          options.count, options.batch);
  require(options.candidates >= 1 && options.candidates <= max_candidates,
          "trajectories: expected 1 to {} candidates, got {}", max_candidates, options.candidates);
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

TrajectoryTable read(const SafetensorsFile& file) {
  const auto text = [&](const char* key) {
    const auto found = file.metadata().find(key);
    return found == file.metadata().end() ? std::string() : found->second;
  };
  require(text(format_key) == table_format, "expected the format '{}' in its metadata, got '{}'", table_format,
          text(format_key));
  const auto record = fields_from_json<TableRecord>(parse_json(text(record_key), record_key), record_key);
  require(file.contains("timesteps"), "expected a tensor timesteps, which it lacks");
  const std::vector<std::int64_t> shape = file.shape("timesteps");
  require(shape.size() == 1 && shape[0] >= 1 && shape[0] <= max_candidates, "expected 1 to {} timesteps, got {}",
          max_candidates, format_shape(shape));
  const std::int64_t candidates = shape[0];
  const Tensor timesteps = file.tensor("timesteps", at::kLong, {candidates});
  const Tensor deviations = file.tensor("deviations", at::kDouble, {candidates * (candidates + 1)});
  const auto* t = timesteps.data_ptr<std::int64_t>();
  const auto* deviation = deviations.data_ptr<double>();
  std::int64_t least = 0;
  for (std::int64_t i = 0; i < candidates; ++i) {
    require(t[i] >= least && t[i] < record.process_steps,
            "expected ascending timesteps of a process of {} steps, got {}", record.process_steps, t[i]);
    least = t[i] + 1;
  }
  return {.timesteps = {t, t + candidates},
          .trajectories = {candidates, record.images, {deviation, deviation + deviations.numel()}},
          .process_steps = record.process_steps,
          .weights = record.weights,
          .checkpoint_sha256 = record.checkpoint_sha256,
          .seed = record.seed};
}

}  // namespace

std::vector<std::int64_t> TrajectoryTable::best_timesteps(std::int64_t count) const {
  std::vector<std::int64_t> best;
  for (const std::int64_t place : trajectories.kept(count)) best.push_back(timesteps[static_cast<std::size_t>(place)]);
  return best;
}

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

void save_trajectory_table(const std::filesystem::path& path, const TrajectoryTable& table) {
  const TableRecord record = {.process_steps = table.process_steps,
                              .images = table.trajectories.images(),
                              .weights = table.weights,
                              .checkpoint_sha256 = table.checkpoint_sha256,
                              .seed = table.seed};
  write_safetensors(path,
                    {{"timesteps", at::tensor(table.timesteps, at::kLong)},
                     {"deviations", at::tensor(table.trajectories.deviations(), at::kDouble)}},
                    {{format_key, table_format}, {record_key, fields_to_json(record).dump()}});
}

TrajectoryTable load_trajectory_table(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  try {
    return read(file);
  } catch (const Error& error) {
    fail(error.kind(), "{}: no table of a model's trajectories: {}", path.string(), error.what());
  }
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
