#include "iddpm/training/run/metrics_log.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "iddpm/core/error.h"
#include "iddpm/training/run/log_lines.h"
#include "iddpm/training/run/tensorboard_events.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

/// A mean over those steps that have a value.
struct RunningMean {
  double sum = 0;
  std::int64_t count = 0;

  void add(const std::optional<double>& value) {
    if (!value.has_value()) return;
    sum += *value;
    ++count;
  }
  std::optional<double> value() const {
    return count > 0 ? std::optional(sum / static_cast<double>(count)) : std::nullopt;
  }
};

struct Means {
  RunningMean loss, mse, vb, gradient_norm, images_per_second, data_wait_seconds;
  std::array<RunningMean, 4> loss_by_quartile;
};

// Cuts off the lines beyond a step, and one that was cut off while it was written.
void cut_log(const fs::path& path, std::int64_t step) {
  std::uintmax_t size = 0;
  for (const LogLine& line : read_log_lines(path)) {
    if (line.step.step > step) break;
    size = line.end;
  }
  std::error_code error;
  if (!fs::exists(path, error) || fs::file_size(path, error) == size) return;
  fs::resize_file(path, size, error);
  require(!error, "cannot write {}: {}", path.string(), error.message());
}

std::vector<std::pair<std::string, double>> scalars_of(const LoggedStep& step) {
  std::vector<std::pair<std::string, double>> scalars = {{"loss/total", step.loss}};
  const auto add = [&](const std::string& tag, const std::optional<double>& value) {
    if (value.has_value()) scalars.emplace_back(tag, *value);
  };
  add("loss/mse", step.mse);
  add("loss/vb", step.vb);
  for (std::size_t k = 0; k < step.loss_by_quartile.size(); ++k) {
    add(fmt::format("loss/quartile_{}", k), step.loss_by_quartile[k]);
  }
  scalars.emplace_back("training/gradient_norm", step.gradient_norm);
  scalars.emplace_back("training/learning_rate", step.learning_rate);
  if (step.skipped > 0) scalars.emplace_back("training/skipped_steps", static_cast<double>(step.skipped));
  scalars.emplace_back("speed/images_per_second", step.images_per_second);
  scalars.emplace_back("speed/data_wait_seconds", step.data_wait_seconds);
  return scalars;
}

}  // namespace

struct MetricsLog::State {
  State(const fs::path& run_folder, std::int64_t resume_step)
      : path(metrics_log_path(run_folder)), tensorboard(run_folder / "tensorboard") {
    cut_log(path, resume_step);
    if (resume_step > 0) tensorboard.restart(resume_step + 1);
    file = std::fopen(path.c_str(), "abe");
    require(file != nullptr, "cannot write {}: {}", path.string(), std::generic_category().message(errno));
  }
  ~State() { std::fclose(file); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  fs::path path;
  TensorboardWriter tensorboard;
  std::FILE* file = nullptr;
  Means means;
  LoggedStep last;  ///< what is not a mean
};

MetricsLog::MetricsLog(const fs::path& run_folder, std::int64_t resume_step)
    : state_(std::make_unique<State>(run_folder, resume_step)) {}
MetricsLog::~MetricsLog() = default;
MetricsLog::MetricsLog(MetricsLog&&) noexcept = default;

void MetricsLog::record(const StepResult& result, double images_per_second, double elapsed_seconds,
                        double data_wait_seconds) {
  if (result.skipped) {
    ++state_->last.skipped;
    return;
  }
  Means& means = state_->means;
  means.loss.add(result.loss);
  means.mse.add(result.mse);
  means.vb.add(result.vb);
  for (std::size_t k = 0; k < means.loss_by_quartile.size(); ++k) {
    means.loss_by_quartile[k].add(result.loss_by_quartile[k]);
  }
  means.gradient_norm.add(result.gradient_norm);
  means.images_per_second.add(images_per_second);
  means.data_wait_seconds.add(data_wait_seconds);
  state_->last.step = result.step;
  state_->last.learning_rate = result.learning_rate;
  state_->last.elapsed_seconds = elapsed_seconds;
}

void MetricsLog::flush() {
  State& state = *state_;
  const Means& means = state.means;
  if (means.loss.count == 0) return;
  LoggedStep step = state.last;
  step.loss = *means.loss.value();
  step.mse = means.mse.value();
  step.vb = means.vb.value();
  for (std::size_t k = 0; k < step.loss_by_quartile.size(); ++k) {
    step.loss_by_quartile[k] = means.loss_by_quartile[k].value();
  }
  step.gradient_norm = *means.gradient_norm.value();
  step.images_per_second = *means.images_per_second.value();
  step.data_wait_seconds = *means.data_wait_seconds.value();
  state.means = {};
  state.last.skipped = 0;

  const std::string line = log_line(step);
  const bool written = std::fwrite(line.data(), 1, line.size(), state.file) == line.size();
  require(written && std::fflush(state.file) == 0, "cannot write {}: {}", state.path.string(),
          std::generic_category().message(errno));
  state.tensorboard.write_scalars(step.step, scalars_of(step));
}

double logged_seconds(const fs::path& run_folder, std::int64_t step) {
  double seconds = 0;
  for (const LoggedStep& line : read_metrics_log(run_folder)) {
    if (line.step <= step) seconds = line.elapsed_seconds;
  }
  return seconds;
}

void MetricsLog::record_image(std::int64_t step, const std::string& tag, const Image& image) {
  state_->tensorboard.write_image(step, tag, image);
}

}  // namespace iddpm
