#include "cli/dry_run.h"

#include <sys/resource.h>

#include <chrono>
#include <ctime>

#include "cli/terminal/command_line.h"
#include "iddpm/data/batch_loader.h"
#include "iddpm/training/training_memory.h"

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

std::string dry_run(Trainer& trainer, std::shared_ptr<const Dataset> dataset, const RunOptions& run) {
  constexpr int measured_steps = 3;
  const auto& options = trainer.options();
  BatchLoader loader(std::move(dataset), {.batch = options.batch,
                                          .seed = options.seed,
                                          .random_flip = options.random_flip,
                                          .first_example = trainer.examples_seen(),
                                          .workers = run.workers,
                                          .strict = run.strict});
  trainer.step(loader.next());  // the first step sets everything up
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < measured_steps; ++i) trainer.step(loader.next());
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / measured_steps;

  std::string text = fmt::format("Parameters       {}\n", format_count(count(trainer.network().parameters())));
  const TrainingMemory memory = estimate_training_memory(trainer.settings(), options);
  text += fmt::format(
      "Memory           {} at its peak; of it parameters {}, gradients {}, AdamW {}, EMA {}, activations about {}\n",
      format_bytes(peak_memory_bytes()), format_bytes(static_cast<double>(memory.parameters)),
      format_bytes(static_cast<double>(memory.gradients)), format_bytes(static_cast<double>(memory.optimizer)),
      format_bytes(static_cast<double>(memory.averages)), format_bytes(static_cast<double>(memory.activations)));
  text += fmt::format("Time per step    {:.3f} s ({:.1f} images/s)\n", seconds,
                      static_cast<double>(options.batch) / seconds);
  double total = 0;
  if (run.steps) {
    total = static_cast<double>(*run.steps - trainer.steps_done()) * seconds;
    if (run.minutes) total = std::min(total, *run.minutes * 60);
  } else if (run.minutes) {
    total = *run.minutes * 60;
  }
  total = std::max(0.0, total);
  text += fmt::format("Steps            about {}\n", format_count(static_cast<std::int64_t>(total / seconds)));
  text += fmt::format("Whole run        {} (until {} if started now)\n", format_duration(total), expected_end(total));
  return text;
}

}  // namespace iddpm::cli
