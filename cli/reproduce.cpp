// iddpm reproduce: the paper's findings, each by one command.

#include <CLI/CLI.hpp>
#include <atomic>
#include <memory>

#include "cli/commands.h"
#include "cli/options/effect.h"
#include "cli/options/output_file.h"
#include "cli/options/reproduce_options.h"
#include "cli/options/values.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/exit_codes.h"
#include "cli/terminal/interruption.h"
#include "cli/terminal/printed_json.h"
#include "cli/terminal/progress_bar.h"
#include "experiments/finding.h"
#include "experiments/results_page.h"
#include "iddpm/core/error.h"
#include "iddpm/model/run_folder.h"

namespace iddpm::cli {
namespace {

using experiments::Finding;

struct ReproduceArguments {
  const CLI::App* verb = nullptr;
  std::string name;
  ReproduceOptions options;
  bool json = false;
};

// A bar for whatever is going on; Ctrl-C stops that.
class WorkBar {
 public:
  void update(const std::string& work, double fraction, const std::string& words) {
    if (stop_.load()) throw Interrupted();
    if (!bar_ || work != work_) {
      bar_.reset();
      bar_ = std::make_unique<ProgressBar>(work);
      work_ = work;
    }
    bar_->update(fraction, words);
  }
  void clear() { bar_.reset(); }

 private:
  const std::atomic<bool>& stop_ = catch_interruption();
  std::string work_;
  std::unique_ptr<ProgressBar> bar_;
};

std::vector<Finding> chosen_findings(const std::string& name) {
  if (name != "all") return {experiments::find_finding(name)};
  std::vector<Finding> all = experiments::findings();
  std::erase_if(all, [](const Finding& finding) { return finding.takes_hours; });
  return all;
}

void check_outputs(const experiments::Settings& settings) {
  const std::filesystem::path& page = settings.page;
  check_output_folder("--out", settings.out);
  if (!settings.work.empty()) check_output_folder("--work", settings.work);
  if (!page.empty()) check_output_folder("--page", page.has_parent_path() ? page.parent_path() : ".");
}

void run_reproduce(const ReproduceArguments& arguments) {
  const std::vector<Finding> chosen = chosen_findings(arguments.name);
  const std::filesystem::path& model = arguments.options.settings.model;
  require(model.empty() || arguments.name == "samplers",
          "--model has no effect on {}: only samplers are compared on a model at hand", arguments.name);
  if (!model.empty()) (void)find_checkpoint(model);
  const bool quality = arguments.name == "quality-per-minute";
  const bool has_gan = quality || arguments.name == "gan" || arguments.name == "all";
  if (!quality) refuse_idle(*arguments.verb, quality_option_names(), "on " + arguments.name);
  if (!has_gan) refuse_idle(*arguments.verb, gan_option_names(), "on " + arguments.name);
  check_outputs(arguments.options.settings);
  apply_threads(arguments.options.compute);
  WorkBar bar;
  experiments::Workbench bench(
      settings_of(arguments.options),
      [&](const std::string& work, double fraction, const std::string& words) { bar.update(work, fraction, words); });
  const auto folder = bench.settings().out / bench.data_name();
  nlohmann::json results = nlohmann::json::array();
  for (const Finding& finding : chosen) {
    bench.start_counting();
    const experiments::Outcome outcome = look_into(finding, bench);
    bar.clear();
    const std::string command = fmt::format("iddpm reproduce {}{}", finding.name, command_options(bench.settings()));
    results.push_back(write_finding(folder, finding, outcome, bench, command));
    experiments::update_results_page(bench.settings().page, folder, bench.data_name());
    if (!arguments.json) print(fmt::format("{}: {}\n", finding.title, outcome.found));
  }
  if (arguments.json) print(printed_json(chosen.size() == 1 ? results.front() : results));
  say(fmt::format("Figures and numbers: {}  Page: {}", display_path(folder), display_path(bench.settings().page)));
}

}  // namespace

void add_reproduce(CLI::App& app) {
  auto arguments = std::make_shared<ReproduceArguments>();
  CLI::App* verb = app.add_subcommand("reproduce", "Look into a finding of the paper, at a scale a laptop reaches");
  std::string names;
  for (const Finding& finding : experiments::findings()) {
    names += fmt::format("  {:<20}{}\n", finding.name, finding.title);
  }
  arguments->verb = verb;
  verb->footer("Findings:\n" + names +
               "  all                 one after the other, but for quality-per-minute\n"
               "Examples:\n"
               "  iddpm reproduce sampling-steps --data fashion-mnist/\n"
               "      trains what it needs, samples with 5 .. T steps, draws the figure (PNG, SVG, JSON)\n"
               "  iddpm reproduce all --data photos/ --image-size 32\n"
               "      every finding on images of one's own; Ctrl-C stops, the same command goes on\n"
               "  iddpm reproduce objectives --data cifar-10/ --scale full --features inception.safetensors\n"
               "      the paper's scale: weeks of a GPU\n"
               "  iddpm reproduce quality-per-minute --data fashion-mnist/ --threads 1 --arm 'batch 24: --batch 24'\n"
               "      a GAN, a preset and changes of it, each trained for the same processor time (hours)\n"
               "Models are shared by findings and kept in --work, as are samples and measurements: nothing is done "
               "twice.");
  verb->add_option("finding", arguments->name, "Its name, or all")
      ->required()
      ->type_name("NAME")
      ->check(understood_by([](const std::string& name) { (void)chosen_findings(name); }));
  add_reproduce_options(*verb, arguments->options);
  verb->add_flag("--json", arguments->json, "Print the result as JSON");
  verb->callback([arguments] {
    try {
      run_reproduce(*arguments);
    } catch (const Interrupted&) {
      throw ExitWith{exit_interrupted};
    }
  });
}

}  // namespace iddpm::cli
