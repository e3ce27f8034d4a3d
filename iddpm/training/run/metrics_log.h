#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/io/image_file.h"
#include "iddpm/training/trainer.h"

namespace iddpm {

/// What a run writes down as it goes: RUN/log.jsonl, one JSON object per logged step (means over the steps since the
/// last line), and RUN/tensorboard/events.out.tfevents.* with the same scalars and the sample grids. When a run is
/// resumed at a step, lines beyond it are cut off.
class MetricsLog {
 public:
  /// Throws Error if the folder can't be written, as every member does that writes.
  MetricsLog(const std::filesystem::path& run_folder, std::int64_t resume_step = 0);
  ~MetricsLog();
  MetricsLog(MetricsLog&&) noexcept;

  /// A step: its speed, the time since the run began (all sessions), and how long it waited for images.
  void record(const StepResult& result, double images_per_second, double elapsed_seconds, double data_wait_seconds = 0);
  /// Writes what was recorded since the last call as one line; nothing if nothing was.
  void flush();
  void record_image(std::int64_t step, const std::string& tag, const Image& image);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

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

  bool operator==(const LoggedStep&) const = default;
};
/// All lines; none if there is no log. A last line that was cut off is ignored. Throws Error naming file and line if
/// another is broken.
std::vector<LoggedStep> read_metrics_log(const std::filesystem::path& run_folder);

/// Seconds of training until a step, all sessions together; 0 if the log doesn't say.
double logged_seconds(const std::filesystem::path& run_folder, std::int64_t step);

}  // namespace iddpm
