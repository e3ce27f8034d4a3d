#include "cli/program.h"

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/options/memory_option.h"
#include "cli/options/shared_verbs.h"
#include "cli/options/strict_arguments.h"
#include "cli/options/values.h"
#include "cli/terminal/command_line.h"
#include "iddpm/core/error.h"
#include "iddpm/processes/process_place.h"
#include "iddpm/version.h"

namespace iddpm::cli {
namespace {

// Others would do the same work several times over, in each other's way.
void refuse_other_processes(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments.front().starts_with("-") || works_together(arguments.front())) return;
  const ProcessPlace place = process_place();
  if (place.size == 1) return;
  throw UsageError(fmt::format("{} works in one process, and {} were started together; expected one, or one of {}",
                               arguments.front(), place.size, fmt::join(verbs_that_work_together, ", ")));
}

}  // namespace

std::unique_ptr<CLI::App> make_program() {
  auto program = std::make_unique<CLI::App>(
      "Trains, samples and evaluates diffusion models of images\n"
      "(Improved Denoising Diffusion Probabilistic Models, arXiv 2102.09672).",
      "iddpm");
  CLI::App& app = *program;
  configure(app);
  app.set_version_flag("--version", std::string("iddpm ") + version);
  app.require_subcommand(1);
  app.footer(
      "Start here:\n"
      "  iddpm train --data photos/ --minutes 30 --run runs/photos\n"
      "  iddpm sample runs/photos --count 16 --steps 50\n"
      "  iddpm evaluate runs/photos --data photos/ --split test\n"
      "'iddpm VERB --help' explains a verb by example.");
  add_train(app);
  add_sample(app);
  add_evaluate(app);
  add_train_features(app);
  add_train_classifier(app);
  add_respace(app);
  add_info(app);
  add_convert(app);
  add_figures(app);
  add_report(app);
  add_reproduce(app);
  add_benchmark(app);
  add_launch(app);
  add_memory_option(app);
  read_values_strictly(app);
  return program;
}

void carry_out(CLI::App& program, const std::vector<std::string>& arguments) {
  check_arguments(program, arguments);
  refuse_other_processes(arguments);
  program.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
}

}  // namespace iddpm::cli
