// iddpm reproduce: the paper's findings, each by one command.

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/reproduce/finding.h"
#include "cli/reproduce/results_page.h"
#include "cli/terminal/command_line.h"

namespace iddpm::cli {
namespace {

struct ReproduceArguments {
  std::string name;
  reproduce::Settings settings;
  bool json = false;
};

void run_reproduce(const ReproduceArguments& arguments) {
  using namespace reproduce;
  std::vector<Finding> chosen;
  if (arguments.name == "all") {
    chosen = findings();
  } else {
    chosen.push_back(find_finding(arguments.name));
  }
  Workbench bench(arguments.settings);
  const auto folder = bench.settings().out / bench.data_name();
  nlohmann::json results = nlohmann::json::array();
  for (const Finding& finding : chosen) {
    bench.start_counting();
    const Outcome outcome = finding.look(bench);
    results.push_back(write_finding(folder, finding, outcome, bench));
    update_results_page(bench.settings().page, folder, bench.data_name());
    if (!arguments.json) print(fmt::format("{}: {}\n", finding.title, outcome.found));
  }
  if (arguments.json) print((chosen.size() == 1 ? results.front() : results).dump(2) + "\n");
  say(fmt::format("Figures and numbers: {}  Page: {}", display_path(folder), display_path(bench.settings().page)));
}

}  // namespace

void add_reproduce(CLI::App& app) {
  auto arguments = std::make_shared<ReproduceArguments>();
  CLI::App* verb = app.add_subcommand("reproduce", "Look into a finding of the paper, at a scale a laptop reaches");
  std::string names;
  for (const reproduce::Finding& finding : reproduce::findings()) {
    names += fmt::format("  {:<16}{}\n", finding.name, finding.title);
  }
  verb->footer("Findings:\n" + names +
               "  all             one after the other\n"
               "Examples:\n"
               "  iddpm reproduce sampling-steps --data fashion-mnist/\n"
               "      trains what it needs, samples with 5 .. T steps, draws the figure (PNG, SVG, JSON)\n"
               "  iddpm reproduce all --data photos/ --image-size 32\n"
               "      every finding on images of one's own; Ctrl-C stops, the same command goes on\n"
               "  iddpm reproduce objectives --data cifar-10/ --scale full --features inception.safetensors\n"
               "      the paper's scale: weeks of a GPU\n"
               "Models are shared by findings and kept in --work, as are samples and measurements: nothing is done "
               "twice.");
  verb->add_option("finding", arguments->name, "Its name, or all")->required()->type_name("NAME");
  reproduce::add_settings(*verb, arguments->settings);
  verb->add_flag("--json", arguments->json, "Print the result as JSON");
  verb->callback([arguments] { run_reproduce(*arguments); });
}

}  // namespace iddpm::cli
