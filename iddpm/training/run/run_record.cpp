#include "iddpm/training/run/run_record.h"

#include <array>
#include <cmath>

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/utf8.h"
#include "iddpm/model/checkpoint_format.h"

namespace iddpm {
namespace {

constexpr std::int64_t format_version = 1;
constexpr std::uintmax_t largest_record = 1 << 24;

constexpr std::array<std::pair<LabelSource, const char*>, 5> label_names = {
    {{LabelSource::automatic, "automatic"},
     {LabelSource::none, "none"},
     {LabelSource::subfolders, "subfolders"},
     {LabelSource::file_name_prefix, "file_name_prefix"},
     {LabelSource::csv, "csv"}}};

std::string label_name(LabelSource source) {
  for (const auto& [value, name] : label_names) {
    if (value == source) return name;
  }
  fail("label source: a value without a name ({})", static_cast<int>(source));
}

LabelSource parse_label_source(const std::string& text, const std::string& where) {
  for (const auto& [value, name] : label_names) {
    if (text == name) return value;
  }
  fail("{}: expected one of automatic, none, subfolders, file_name_prefix, csv as 'labels', got {}", where,
       quote(text));
}

template <typename Value>
nlohmann::json or_null(const std::optional<Value>& value) {
  return value.has_value() ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

nlohmann::json data_json(const DatasetOptions& options) {
  return {{"image_height", or_null(options.image_height)},
          {"image_width", or_null(options.image_width)},
          {"image_channels", or_null(options.image_channels)},
          {"background", options.background},
          {"labels", label_name(options.labels)},
          {"csv", utf8_text(options.csv.string())},
          {"split", or_null(options.split)},
          {"cache_bytes", options.cache_bytes},
          {"rules", options.rules == DataRules::first ? 1 : 2}};
}

DatasetOptions read_data_options(const nlohmann::json& json, const std::string& where) {
  const JsonRecord record(json, where,
                          {"image_height", "image_width", "image_channels", "background", "labels", "csv", "split",
                           "cache_bytes", "rules"});
  DatasetOptions options;
  options.image_height = record.get_optional<std::int64_t>("image_height");
  options.image_width = record.get_optional<std::int64_t>("image_width");
  options.image_channels = record.get_optional<std::int64_t>("image_channels");
  options.background = record.get<double>("background");
  options.labels = parse_label_source(record.get<std::string>("labels"), where);
  options.csv = utf8_bytes(record.get<std::string>("csv"));
  options.split = record.get_optional<std::string>("split");
  options.cache_bytes = record.get<std::int64_t>("cache_bytes");
  // Runs of the first version don't name their rules.
  const bool first = !json.contains("rules") || record.get<std::int64_t>("rules") == 1;
  options.rules = first ? DataRules::first : DataRules::current;
  return options;
}

nlohmann::json run_json(const RunOptions& options) {
  nlohmann::json json = {{"steps", or_null(options.steps)},
                         {"minutes", or_null(options.minutes)},
                         {"log_every", options.log_every},
                         {"checkpoint_every", options.checkpoint_every},
                         {"checkpoint_minutes", options.checkpoint_minutes},
                         {"keep_checkpoints", options.keep_checkpoints},
                         {"sample_at", options.sample_at},
                         {"sample_every", options.sample_every},
                         {"workers", options.workers},
                         {"strict", options.strict},
                         {"threads", options.threads}};
  if (options.processes > 1) json["processes"] = options.processes;
  return json;
}

RunOptions read_run_options(const nlohmann::json& json, const std::string& where) {
  const JsonRecord record(
      json, where,
      {"steps", "minutes", "log_every", "checkpoint_every", "checkpoint_minutes", "keep_checkpoints", "sample_at",
       "sample_every", "workers", "strict", "threads", "processes"});
  RunOptions options;
  record.read("steps", options.steps);
  record.read("minutes", options.minutes);
  record.read("log_every", options.log_every);
  record.read("checkpoint_every", options.checkpoint_every);
  record.read("checkpoint_minutes", options.checkpoint_minutes);
  record.read("keep_checkpoints", options.keep_checkpoints);
  record.read("sample_at", options.sample_at);
  record.read("sample_every", options.sample_every);
  record.read("workers", options.workers);
  record.read("strict", options.strict);
  if (json.contains("threads")) record.read("threads", options.threads);  // earlier runs have none
  if (json.contains("processes")) record.read("processes", options.processes);
  return options;
}

TrainingOptions read_training_options(const nlohmann::json& json, const std::string& where) {
  const JsonRecord record(json, where, {"format", "options"});
  auto options =
      fields_from_json<TrainingOptions>(record.raw("options"), "training options", record.get<std::int64_t>("format"));
  check(options);
  return options;
}

}  // namespace

std::filesystem::path run_record_path(const std::filesystem::path& run_folder) { return run_folder / "run.json"; }

void check(const RunOptions& options) {
  require(!options.steps.has_value() || *options.steps >= 1, "steps: expected at least 1, got {}",
          options.steps.value_or(0));
  require(!options.minutes.has_value() || (std::isfinite(*options.minutes) && *options.minutes > 0),
          "minutes: expected more than 0, got {}", options.minutes.value_or(0));
  require(options.log_every >= 1, "log every: expected at least 1 step, got {}", options.log_every);
  require(options.checkpoint_every >= 1, "checkpoint every: expected at least 1 step, got {}",
          options.checkpoint_every);
  require(options.checkpoint_minutes > 0, "checkpoint minutes: expected more than 0, got {}",
          options.checkpoint_minutes);
  require(options.keep_checkpoints >= 0, "keep checkpoints: expected a number, or 0 for all, got {}",
          options.keep_checkpoints);
  require(options.sample_every >= 0, "sample every: expected a number of steps, or 0 for never, got {}",
          options.sample_every);
  require(options.threads >= 0 && options.threads <= 1024, "threads: expected 1 to 1024, or 0 if not known, got {}",
          options.threads);
  require(options.processes >= 1, "processes: expected at least 1, got {}", options.processes);
  require(options.workers >= 1 && options.workers <= 256, "workers: expected 1 to 256, got {}", options.workers);
}

std::string run_record_text(const RunRecord& record) {
  nlohmann::ordered_json json = {{"format", format_version},
                                 {"data", utf8_text(record.data.string())},
                                 {"data_options", data_json(record.data_options)},
                                 {"run", run_json(record.run)},
                                 {"preset", record.preset},
                                 {"dataset_summary", record.dataset_summary}};
  if (!record.launch.empty()) json["launch"] = utf8_text(record.launch);
  if (record.training) {
    json["training"] = {{"format", checkpoint_format::training_state_version},
                        {"options", fields_to_json(*record.training)}};
  }
  return json.dump(2) + "\n";
}

void save_run_record(const std::filesystem::path& run_folder, const RunRecord& record) {
  std::error_code error;
  std::filesystem::create_directories(run_folder, error);
  require(!error, "cannot make the folder {}: {}", run_folder.string(), error.message());
  std::string text;
  try {
    text = run_record_text(record);
  } catch (const nlohmann::json::exception&) {
    fail("cannot write {}: the names of data and labels must be UTF-8", run_record_path(run_folder).string());
  }
  write_file_atomically(run_record_path(run_folder), text);
}

RunRecord load_run_record(const std::filesystem::path& run_folder) {
  const std::filesystem::path path = run_record_path(run_folder);
  std::error_code error;
  require(std::filesystem::exists(path, error), "{} is not the folder of a run: it has no run.json",
          run_folder.string());
  return parse_run_record(read_file(path, largest_record), path.string());
}

RunRecord parse_run_record(const std::string& text, const std::string& where) {
  const nlohmann::json json = parse_json(text, where);
  const JsonRecord record(json, where,
                          {"format", "data", "data_options", "run", "preset", "dataset_summary", "training", "launch"});
  require(record.get<std::int64_t>("format") == format_version, "{}: its format is {}; this program reads {}", where,
          record.get<std::int64_t>("format"), format_version);
  RunRecord loaded;
  loaded.data = utf8_bytes(record.get<std::string>("data"));
  loaded.data_options = read_data_options(record.raw("data_options"), where);
  loaded.run = read_run_options(record.raw("run"), where);
  loaded.preset = record.get<std::string>("preset");
  loaded.dataset_summary = record.raw("dataset_summary");
  if (json.contains("launch")) loaded.launch = record.get<std::string>("launch");
  try {
    if (json.contains("training")) loaded.training = read_training_options(json.at("training"), where);
    check(loaded.run);
  } catch (const Error& cause) {
    fail(cause.kind(), "{}: {}", where, cause.what());
  }
  return loaded;
}

}  // namespace iddpm
