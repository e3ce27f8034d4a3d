#include "cli/dry_run.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "cli/terminal/command_line.h"
#include "iddpm/core/processor_time.h"
#include "iddpm/data/batch_loader.h"

namespace iddpm::cli {
namespace {

std::string expected_end(double seconds) {
  const std::time_t end = std::chrono::system_clock::to_time_t(
      std::chrono::system_clock::now() +
      std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::duration<double>(seconds)));
  char text[64] = {};
  std::tm local{};
  localtime_r(&end, &local);
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local);
  return text;
}

}  // namespace

double peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

DryRun dry_run(Trainer& trainer, std::shared_ptr<const Dataset> dataset, const RunOptions& run) {
  constexpr int measured_steps = 3;
  const auto& options = trainer.options();
  BatchLoader loader(std::move(dataset), {.batch = options.batch,
                                          .seed = options.seed,
                                          .random_flip = options.random_flip,
                                          .first_example = trainer.examples_seen(),
                                          .workers = run.workers,
                                          .strict = run.strict});
  trainer.step(loader.next());  // the first step sets everything up
  const double processor_start = processor_seconds();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < measured_steps; ++i) trainer.step(loader.next());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;

  std::optional<double> minutes = run.minutes;
  if (run.processor_minutes) {
    const double share = std::max((processor_seconds() - processor_start) / seconds.count(), 1e-6);
    minutes = *run.processor_minutes / share;
  }

  DryRun result;
  result.parameters = count(trainer.network().parameters());
  result.memory = estimate_training_memory(trainer.settings(), options);
  result.peak_memory_bytes = peak_memory_bytes();
  result.seconds_per_step = seconds.count() / measured_steps;
  result.images_per_second = static_cast<double>(options.batch) / result.seconds_per_step;
  if (run.steps) {
    result.seconds = static_cast<double>(*run.steps - trainer.steps_done()) * result.seconds_per_step;
    if (minutes) result.seconds = std::min(result.seconds, *minutes * 60);
  } else if (minutes) {
    result.seconds = *minutes * 60;
  }
  result.seconds = std::max(0.0, result.seconds);
  result.steps = static_cast<std::int64_t>(result.seconds / result.seconds_per_step);
  return result;
}

std::string table(const DryRun& result) {
  const TrainingMemory& memory = result.memory;
  const auto bytes = [](std::int64_t number) { return format_bytes(static_cast<double>(number)); };
  std::string text = fmt::format("Parameters       {}\n", format_count(result.parameters));
  text += fmt::format(
      "Memory           {} at its peak; of it parameters {}, gradients {}, AdamW {}, EMA {}, activations about {}, "
      "batches {}\n",
      format_bytes(result.peak_memory_bytes), bytes(memory.parameters), bytes(memory.gradients),
      bytes(memory.optimizer), bytes(memory.averages), bytes(memory.activations), bytes(memory.images));
  text +=
      fmt::format("Time per step    {:.3f} s ({:.1f} images/s)\n", result.seconds_per_step, result.images_per_second);
  text += fmt::format("Steps            about {}\n", format_count(result.steps));
  text += fmt::format("Whole run        {} (until {} if started now)\n", format_duration(result.seconds),
                      expected_end(result.seconds));
  return text;
}

void to_json(nlohmann::json& json, const DryRun& result) {
  const TrainingMemory& memory = result.memory;
  json = {{"parameters", result.parameters},
          {"memory_bytes",
           {{"parameters", memory.parameters},
            {"gradients", memory.gradients},
            {"optimizer", memory.optimizer},
            {"averages", memory.averages},
            {"activations", memory.activations},
            {"images", memory.images},
            {"peak", result.peak_memory_bytes}}},
          {"seconds_per_step", result.seconds_per_step},
          {"images_per_second", result.images_per_second},
          {"steps", result.steps},
          {"seconds", result.seconds}};
}

}  // namespace iddpm::cli
