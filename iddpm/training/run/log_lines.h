#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "iddpm/training/run/metrics_log.h"

/// The lines of log.jsonl.
namespace iddpm {

std::filesystem::path metrics_log_path(const std::filesystem::path& run_folder);

/// A line with its end.
std::string log_line(const LoggedStep& step);

struct LogLine {
  LoggedStep step;
  std::uintmax_t end = 0;  ///< bytes of the file up to and including this line
};
/// As read_metrics_log, with the lines' places in the file.
std::vector<LogLine> read_log_lines(const std::filesystem::path& path);

}  // namespace iddpm
