#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "iddpm/io/image_file.h"
#include "iddpm/training/run/log_lines.h"
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

  /// A step (one that was skipped is counted only): its speed, the time since the run began (all sessions), and how
  /// long it waited for images.
  void record(const StepResult& result, double images_per_second, double elapsed_seconds, double data_wait_seconds = 0);
  /// Writes what was recorded since the last call as one line; nothing if nothing was.
  void flush();
  void record_image(std::int64_t step, const std::string& tag, const Image& image);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Seconds of training until a step, all sessions together; 0 if the log doesn't say.
double logged_seconds(const std::filesystem::path& run_folder, std::int64_t step);

}  // namespace iddpm
