#include "iddpm/core/error.h"
#include "iddpm/core/fields.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/safetensors.h"
#include "iddpm/model/trajectory_table.h"

namespace iddpm {
namespace {

constexpr const char* format_key = "format";
constexpr const char* record_key = "record";
constexpr const char* table_format = "iddpm trajectories 1";

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
  require(shape.size() == 1 && shape[0] >= 1 && shape[0] <= most_trajectory_candidates,
          "expected 1 to {} timesteps, got {}", most_trajectory_candidates, format_shape(shape));
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

}  // namespace iddpm
