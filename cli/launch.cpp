// iddpm launch: the program in several processes on this machine.

#include <CLI/CLI.hpp>
#include <random>

#include "cli/commands.h"
#include "cli/launch/launched_processes.h"
#include "cli/options/shared_verbs.h"
#include "cli/options/values.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/exit_codes.h"
#include "cli/terminal/interruption.h"
#include "iddpm/core/error.h"
#include "iddpm/processes/process_place.h"

namespace iddpm::cli {
namespace {

struct LaunchArguments {
  std::int64_t processes = 0;
  std::int64_t restarts = 0;
  std::vector<std::string> command;
};

std::string new_name() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

void check(const LaunchArguments& arguments) {
  require(!arguments.command.empty(), "launch: expected '-- VERB ...' behind the options: what each process is to do");
  const std::string& verb = arguments.command.front();
  if (!works_together(verb)) {
    throw UsageError(fmt::format("launch: expected one of {} behind '--', got '{}'",
                                 fmt::join(verbs_that_work_together, ", "), verb));
  }
}

void run_launch(const LaunchArguments& arguments) {
  check(arguments);
  const std::atomic<bool>& stop = catch_interruption();
  Launch launch = {.command = arguments.command, .processes = arguments.processes, .restarts = 0, .name = new_name()};
  while (true) {
    const LaunchEnd end = LaunchedProcesses(launch).wait(stop);
    if (stop) throw ExitWith{exit_interrupted};
    if (end.exit_code == 0) return;
    if (end.exit_code == exit_usage || end.exit_code == exit_interrupted) throw ExitWith{end.exit_code};
    if (launch.restarts == arguments.restarts) {
      fail("{}{}", end.failure,
           arguments.restarts > 0 ? fmt::format(", and all had been started again {} times", arguments.restarts) : "");
    }
    ++launch.restarts;
    say(fmt::format("{}; all are started again ({} of {})", end.failure, launch.restarts, arguments.restarts));
  }
}

}  // namespace

void add_launch(CLI::App& app) {
  auto arguments = std::make_shared<LaunchArguments>();
  CLI::App* verb = app.add_subcommand("launch", "Train or sample in several processes on this machine");
  verb->footer(
      "Examples:\n"
      "  iddpm launch --processes 2 -- train --data photos/ --batch 128 --run runs/photos\n"
      "      two processes, each with 64 images of a step and half of the cores (or a GPU each)\n"
      "  iddpm launch --processes 8 --restarts 3 -- train --data photos/ --steps 500000\n"
      "      if one dies, all begin again at the last checkpoint, three times at most\n"
      "  iddpm launch --processes 2 -- sample runs/photos --count 50000 --npz samples.npz --grid-only\n"
      "Several machines: torchrun --no_python, mpirun or srun start the same program; docs/scaling.md says how.");
  verb->add_option("--processes", arguments->processes, "How many (needed)")
      ->check(between(std::int64_t{1}, std::int64_t{1024}));
  verb->add_option("--restarts", arguments->restarts, "Times that all are started again after one failed (0)")
      ->check(between(std::int64_t{0}, std::int64_t{1'000'000}));
  verb->add_option("command", arguments->command, "What each is to do, behind '--'")->type_name("-- VERB ...");
  verb->callback([arguments] {
    if (arguments->processes == 0) throw UsageError("--processes: expected how many, such as --processes 2");
    run_launch(*arguments);
  });
}

}  // namespace iddpm::cli
