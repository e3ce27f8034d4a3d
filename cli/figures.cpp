// iddpm figures: what introductions to diffusion models show, drawn from the library's own numbers.

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/figure_files.h"
#include "cli/options/data_options.h"
#include "cli/options/effect.h"
#include "cli/options/output_file.h"
#include "cli/options/values.h"
#include "cli/terminal/command_line.h"
#include "cli/vlb_figure.h"
#include "experiments/noising_strips.h"
#include "iddpm/core/error.h"
#include "iddpm/data/batch_loader.h"
#include "iddpm/diffusion/forward_process.h"
#include "iddpm/report/noising_strip.h"
#include "iddpm/report/process_figures.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

struct FiguresArguments {
  fs::path out = "figures";
  DataOptions data;
  std::int64_t image = 0;
  VlbFigureOptions vlb;
  bool overwrite = false;
};

ProcessCurve variance_ratio(const std::string& name, const NoiseSchedule& schedule) {
  ProcessCurve curve{.name = name, .values = {}};
  for (std::size_t t = 0; t < schedule.beta.size(); ++t)
    curve.values.push_back(schedule.beta_tilde[t] / schedule.beta[t]);
  return curve;
}

void write_process_figures(const FigureFiles& files) {
  const NoiseSchedule linear = linear_schedule({.steps = 4000});
  const NoiseSchedule cosine = cosine_schedule({.steps = 4000});
  const std::vector<ProcessCurve> schedules = {{"linear", linear.alpha_bar}, {"cosine", cosine.alpha_bar}};
  files.write("alpha_bar", alpha_bar_plot(schedules), schedules);
  std::vector<ProcessCurve> ratios;
  for (const std::int64_t steps : {100, 1000, 4000}) {
    ratios.push_back(variance_ratio(fmt::format("T = {}", steps), cosine_schedule({.steps = steps})));
  }
  files.write("variance_ratio", variance_ratio_plot(ratios), ratios);
  files.write("variance_ratio_log", variance_ratio_plot(ratios, AxisScale::logarithmic), ratios);
}

// Figures of an earlier run stay, unless they are to be replaced.
void check_figure_folder(const FiguresArguments& arguments) {
  check_output_folder("--out", arguments.out);
  if (arguments.overwrite) return;
  std::vector<std::string> names = {"alpha_bar", "variance_ratio", "variance_ratio_log"};
  if (!arguments.data.path.empty()) names.push_back("noising_strip");
  if (!arguments.vlb.model.empty()) names.push_back("vlb_terms");
  for (const std::string& name : names) {
    for (const char* ending : {".png", ".svg", ".json"}) {
      const fs::path path = arguments.out / (name + ending);
      require(!fs::exists(path), "--out: '{}' exists; choose another folder, or replace its figures with --overwrite",
              path.string());
    }
  }
}

Image strip_of_image(const FiguresArguments& arguments) {
  const auto dataset = open_dataset(arguments.data.path, dataset_options(arguments.data));
  require(arguments.image < dataset->size(), "--image: expected 0 to {}, got {}", dataset->size() - 1, arguments.image);
  return experiments::noising_strips(read_batch(*dataset, arguments.image, 1).x_0);
}

void run_figures(const CLI::App& verb, const FiguresArguments& arguments) {
  const bool has_data = !arguments.data.path.empty(), has_model = !arguments.vlb.model.empty();
  require(has_data || !has_model, "--model: the terms of the bound are measured on images; name them with --data");
  if (!has_data) refuse_idle(verb, {"--labels", "--csv", "--split", "--background", "--image"}, "without --data");
  if (!has_model) {
    refuse_idle(verb, {"--count", "--ema", "--raw", "--device", "--threads", "--precision"}, "without --model");
  }
  check_figure_folder(arguments);
  std::optional<Image> strip;
  if (has_data) strip = strip_of_image(arguments);
  std::vector<ProcessCurve> terms;
  if (has_model) terms = vlb_terms(arguments.vlb, arguments.data);

  const FigureFiles files(arguments.out);
  write_process_figures(files);
  if (strip) files.write("noising_strip", *strip);
  if (has_model) files.write("vlb_terms", vlb_terms_plot(terms), terms);
  for (const fs::path& path : files.written()) print(display_path(path) + "\n");
}

}  // namespace

void add_figures(CLI::App& app) {
  auto arguments = std::make_shared<FiguresArguments>();
  CLI::App* verb = app.add_subcommand("figures", "Draw the figures that explain diffusion models");
  verb->footer(
      "Examples:\n"
      "  iddpm figures\n"
      "      alpha-bar of both schedules, and the ratio of the two bounds of the reverse variance (PNG, SVG, JSON)\n"
      "  iddpm figures --data photos/ --image 3\n"
      "      also how linear and cosine schedules turn image 3 into noise\n"
      "  iddpm figures --data photos/ --model runs/photos\n"
      "      also the terms of the variational bound per t of a trained model");
  verb->add_option("--out", arguments->out, "Folder (figures)");
  add_data_options(*verb, arguments->data);
  verb->add_option("--image", arguments->image, "Which image of the data to noise (0)")
      ->check(at_least(std::int64_t{0}))
      ->group("Data");
  add_vlb_figure_options(*verb, arguments->vlb);
  verb->add_flag("--overwrite", arguments->overwrite, "Replace figures that are in the folder");
  verb->callback([verb, arguments] { run_figures(*verb, *arguments); });
}

}  // namespace iddpm::cli
