// iddpm report: a run's report.html anew.

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/run_report_builder.h"
#include "cli/terminal/command_line.h"
#include "iddpm/core/error.h"

namespace iddpm::cli {

void add_report(CLI::App& app) {
  auto run = std::make_shared<std::filesystem::path>();
  CLI::App* verb = app.add_subcommand("report", "Write a run's report.html from what its folder holds");
  verb->footer(
      "Example:\n"
      "  iddpm report runs/photos\n"
      "train writes the report too; this adds what came later: an evaluation, the last samples.");
  verb->add_option("run", *run, "Run folder")->required()->type_name("RUN");
  verb->callback([run] {
    require(std::filesystem::is_directory(*run), "'{}' is not a run folder", run->string());
    const auto report = write_run_report(*run);
    print(fmt::format("Run folder: {}\nReport:     {}\n", display_path(*run), display_path(report)));
  });
}

}  // namespace iddpm::cli
