#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// The lines of log.jsonl.
namespace iddpm {

/// A line of log.jsonl.
struct LoggedStep {
  std::int64_t step = 0;
  double loss = 0;
  std::optional<double> mse = {};
  std::optional<double> vb = {};
  std::array<std::optional<double>, 4> loss_by_quartile = {};
  double gradient_norm = 0;
  double learning_rate = 0;
  double images_per_second = 0;
  double elapsed_seconds = 0;
  double data_wait_seconds = 0;  ///< per step
  std::int64_t skipped = 0;      ///< steps since the line before that were not finite and updated nothing

  bool operator==(const LoggedStep&) const = default;
};
/// All lines; none if there is no log. A last line that was cut off is ignored. Lines that can't be read are passed
/// over, with a sentence for each of the first, naming file and line, added to `skipped`, and one that counts the rest.
std::vector<LoggedStep> read_metrics_log(const std::filesystem::path& run_folder,
                                         std::vector<std::string>* skipped = nullptr);

std::filesystem::path metrics_log_path(const std::filesystem::path& run_folder);

/// A line with its end.
std::string log_line(const LoggedStep& step);

struct LogLine {
  LoggedStep step;
  std::uintmax_t end = 0;  ///< bytes of the file up to and including this line
};
/// As read_metrics_log, with the lines' places in the file.
std::vector<LogLine> read_log_lines(const std::filesystem::path& path, std::vector<std::string>* skipped = nullptr);

}  // namespace iddpm
