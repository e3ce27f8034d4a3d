#include "iddpm/training/training_state.h"

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/input_file.h"
#include "iddpm/model/checkpoint_format.h"
#include "iddpm/model/run_folder.h"

namespace iddpm {
namespace {

namespace format = checkpoint_format;

constexpr const char* exp_avg_group = "exp_avg";
constexpr const char* exp_avg_sq_group = "exp_avg_sq";
constexpr const char* history_name = "timestep_history";

std::uint32_t checksum_of(const NamedTensors& tensors) {
  std::uint32_t checksum = 0;
  for (const auto& [name, tensor] : tensors) checksum = format::checksum(tensor, checksum);
  return checksum;
}

struct StateMetadata {
  TrainingState state = {};
  std::uint64_t checksum = 0;
  std::uint64_t model_checksum = 0;
};

StateMetadata read_metadata(const SafetensorsFile& file) {
  const std::string where = file.path().string();
  const auto found = file.metadata().find(format::training_key);
  require(found != file.metadata().end(), "{} is not a training state: its metadata lack the key '{}'", where,
          format::training_key);
  const nlohmann::json json = parse_json(found->second, where);
  const JsonRecord record(json, where,
                          {"format", "step", "examples_seen", "skipped_steps", "skipped_in_a_row", "seconds_trained",
                           "options", "checksum", "model_checksum"});
  const auto record_format = record.get<std::int64_t>("format");
  require(record_format >= 1 && record_format <= format::training_state_version, ErrorKind::unsupported,
          "{}: its format is {}; this program reads 1 to {} (a newer program wrote it?)", where, record_format,
          format::training_state_version);
  StateMetadata metadata;
  metadata.state.step = record.get<std::int64_t>("step");
  metadata.state.examples_seen = record.get<std::int64_t>("examples_seen");
  SkippedSteps& skipped = metadata.state.skipped;
  if (json.contains("skipped_steps")) {
    skipped.all = record.get<std::int64_t>("skipped_steps");
    skipped.in_a_row = record.get<std::int64_t>("skipped_in_a_row");
  }
  if (json.contains("seconds_trained")) metadata.state.seconds_trained = record.get<double>("seconds_trained");
  metadata.checksum = record.get<std::uint64_t>("checksum");
  metadata.model_checksum = record.get<std::uint64_t>("model_checksum");
  try {
    metadata.state.options =
        fields_from_json<TrainingOptions>(record.raw("options"), "training options", record_format);
    check(metadata.state.options);
  } catch (const Error& error) {
    fail(error.kind(), "{}: {}", where, error.what());
  }
  return metadata;
}

// The tensors of a group under the model's names, each checked against the model's shape.
NamedTensors read_group(const SafetensorsFile& file, const std::string& group, const Checkpoint& checkpoint) {
  const std::string model_prefix = format::group_name(std::nullopt) + ".";
  NamedTensors tensors;
  for (const StoredTensor& of_model : checkpoint.tensors()) {
    if (!of_model.name.starts_with(model_prefix)) continue;
    const std::string name = of_model.name.substr(model_prefix.size());
    const std::string stored = group + "." + name;
    require(file.contains(stored) && file.type(stored) == at::kFloat && file.shape(stored) == of_model.shape,
            "{} doesn't belong to {}: tensor {} is missing or of another shape", file.path().string(),
            checkpoint.path().string(), quote(stored));
    tensors.emplace_back(name, file.tensor(stored));
  }
  return tensors;
}

std::vector<double> read_history(const SafetensorsFile& file) {
  if (!file.contains(history_name)) return {};
  require(file.type(history_name) == at::kDouble, "{}: expected float64 in '{}', got {}", file.path().string(),
          history_name, at::toString(file.type(history_name)));
  const Tensor history = file.tensor(history_name);
  return {history.data_ptr<double>(), history.data_ptr<double>() + history.numel()};
}

Tensor history_tensor(const std::vector<double>& history) {
  const Tensor tensor = at::empty({static_cast<std::int64_t>(history.size())}, at::kDouble);
  std::copy(history.begin(), history.end(), tensor.data_ptr<double>());
  return tensor;
}

}  // namespace

void save_training_state(const std::filesystem::path& checkpoint, const TrainingState& state,
                         const NamedParameters& raw) {
  NamedTensors tensors;
  for (const auto& [group, parameters] :
       {std::pair(exp_avg_group, &state.exp_avg), std::pair(exp_avg_sq_group, &state.exp_avg_sq)}) {
    for (const auto& [name, tensor] : *parameters) {
      tensors.emplace_back(std::string(group) + "." + name, format::stored_form(tensor));
    }
  }
  std::uint32_t checksum = checksum_of(tensors);
  if (!state.timestep_history.empty()) {
    tensors.emplace_back(history_name, history_tensor(state.timestep_history));
    checksum = format::checksum(tensors.back().second, checksum);
  }
  std::uint32_t model_checksum = 0;
  for (const auto& [name, tensor] : raw) model_checksum = format::checksum(format::stored_form(tensor), model_checksum);
  nlohmann::json metadata = {{"format", format::training_state_version},
                             {"step", state.step},
                             {"examples_seen", state.examples_seen},
                             {"options", state.options},
                             {"checksum", checksum},
                             {"model_checksum", model_checksum}};
  if (state.skipped.all > 0) {
    metadata["skipped_steps"] = state.skipped.all;
    metadata["skipped_in_a_row"] = state.skipped.in_a_row;
  }
  // Time differs from run to run; only where it matters does the file depend on it.
  if (state.options.decay_minutes > 0) metadata["seconds_trained"] = state.seconds_trained;
  write_safetensors(training_state_path(checkpoint), tensors, {{format::training_key, metadata.dump()}});
}

TrainingState read_training_state(const Checkpoint& checkpoint) {
  const SafetensorsFile file(training_state_path(checkpoint.path()));
  const std::string where = file.path().string();
  StateMetadata metadata = read_metadata(file);
  TrainingState& state = metadata.state;
  const CheckpointInfo& info = checkpoint.info();
  require(state.step == info.step && state.options.seed == info.seed && state.options.ema_rates == info.ema_rates &&
              metadata.model_checksum == checkpoint.checksums().at(format::group_name(std::nullopt)),
          "{} doesn't belong to {}: it was written with another model file", where, checkpoint.path().string());
  require(state.examples_seen >= 0, "{}: expected at least 0 examples seen, got {}", where, state.examples_seen);
  require(state.skipped.in_a_row >= 0 && state.skipped.in_a_row <= state.skipped.all && state.skipped.all <= state.step,
          "{}: expected 0 <= skipped_in_a_row <= skipped_steps <= step, got {}, {} and {}", where,
          state.skipped.in_a_row, state.skipped.all, state.step);
  require(state.seconds_trained >= 0, "{}: expected at least 0 seconds of training, got {}", where,
          state.seconds_trained);
  file.require_memory_for_all();
  state.exp_avg = read_group(file, exp_avg_group, checkpoint);
  state.exp_avg_sq = read_group(file, exp_avg_sq_group, checkpoint);
  state.timestep_history = read_history(file);
  std::uint32_t checksum = checksum_of(state.exp_avg);
  for (const auto& [name, tensor] : state.exp_avg_sq) checksum = format::checksum(tensor, checksum);
  checksum = format::checksum(history_tensor(state.timestep_history), checksum);
  require(checksum == metadata.checksum, ErrorKind::damaged_file,
          "{} is damaged: its contents have changed since they were written", where);
  return std::move(metadata.state);
}

namespace {

void check_whole(const std::filesystem::path& file) {
  const Checkpoint checkpoint(file);
  checkpoint.verify();
  (void)read_training_state(checkpoint);
}

}  // namespace

bool is_resumable(const std::filesystem::path& checkpoint) {
  try {
    check_whole(checkpoint);
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::filesystem::path find_resumable_checkpoint(const std::filesystem::path& run_folder,
                                                std::vector<std::string>* skipped) {
  return find_whole_checkpoint(run_folder, check_whole, skipped);
}

}  // namespace iddpm
