#include "iddpm/training/run/log_lines.h"

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/atomic_file.h"

namespace iddpm {
namespace {

// Of those that can't be read: a sentence for each line of a byte would take a hundred times the file.
constexpr std::size_t most_named_lines = 20;

nlohmann::json or_null(const std::optional<double>& value) {
  return value.has_value() ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

LoggedStep parse_line(std::string_view line, const std::string& where) {
  const nlohmann::json json = parse_json(line, where);
  const JsonRecord record(json, where);
  LoggedStep step;
  record.read("step", step.step);
  record.read("loss", step.loss);
  record.read("mse", step.mse);
  record.read("vb", step.vb);
  record.read("gradient_norm", step.gradient_norm);
  record.read("learning_rate", step.learning_rate);
  record.read("images_per_second", step.images_per_second);
  record.read("elapsed_seconds", step.elapsed_seconds);
  record.read("data_wait_seconds", step.data_wait_seconds);
  if (json.contains("skipped")) record.read("skipped", step.skipped);
  for (std::size_t k = 0; k < step.loss_by_quartile.size(); ++k) {
    step.loss_by_quartile[k] = record.get_optional<double>(fmt::format("loss_q{}", k).c_str());
  }
  return step;
}

}  // namespace

std::filesystem::path metrics_log_path(const std::filesystem::path& run_folder) { return run_folder / "log.jsonl"; }

std::string log_line(const LoggedStep& step) {
  nlohmann::ordered_json json = {
      {"step", step.step}, {"loss", step.loss}, {"mse", or_null(step.mse)}, {"vb", or_null(step.vb)}};
  for (std::size_t k = 0; k < step.loss_by_quartile.size(); ++k) {
    json[fmt::format("loss_q{}", k)] = or_null(step.loss_by_quartile[k]);
  }
  json["gradient_norm"] = step.gradient_norm;
  json["learning_rate"] = step.learning_rate;
  json["images_per_second"] = step.images_per_second;
  json["elapsed_seconds"] = step.elapsed_seconds;
  json["data_wait_seconds"] = step.data_wait_seconds;
  if (step.skipped > 0) json["skipped"] = step.skipped;
  return json.dump() + "\n";
}

std::vector<LogLine> read_log_lines(const std::filesystem::path& path, std::vector<std::string>* skipped) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  const std::string text = read_file(path);
  std::vector<LogLine> lines;
  std::size_t number = 0, unreadable_lines = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;  // cut off while it was written
    const std::string where = fmt::format("{}, line {}", path.string(), ++number);
    try {
      lines.push_back({parse_line(std::string_view(text).substr(begin, end - begin), where), end + 1});
    } catch (const Error& unreadable) {
      if (skipped != nullptr && ++unreadable_lines <= most_named_lines) skipped->push_back(unreadable.what());
    }
    begin = end + 1;
  }
  if (unreadable_lines > most_named_lines) {
    skipped->push_back(
        fmt::format("{}: {} more lines can't be read", path.string(), unreadable_lines - most_named_lines));
  }
  return lines;
}

std::vector<LoggedStep> read_metrics_log(const std::filesystem::path& run_folder, std::vector<std::string>* skipped) {
  std::vector<LoggedStep> steps;
  for (LogLine& line : read_log_lines(metrics_log_path(run_folder), skipped)) steps.push_back(std::move(line.step));
  return steps;
}

}  // namespace iddpm
