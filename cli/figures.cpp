// iddpm figures: what introductions to diffusion models show, drawn from the library's own numbers.

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/figure_files.h"
#include "cli/options/data_options.h"
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

void write_noising_strip(const FigureFiles& files, const FiguresArguments& arguments) {
  const auto dataset = open_dataset(arguments.data.path, dataset_options(arguments.data));
  require(arguments.image >= 0 && arguments.image < dataset->size(), "--image: expected 0 to {}, got {}",
          dataset->size() - 1, arguments.image);
  files.write("noising_strip", experiments::noising_strips(read_batch(*dataset, arguments.image, 1).x_0));
}

void run_figures(const FiguresArguments& arguments) {
  const FigureFiles files(arguments.out);
  write_process_figures(files);
  if (!arguments.data.path.empty()) write_noising_strip(files, arguments);
  if (!arguments.vlb.model.empty()) {
    require(!arguments.data.path.empty(),
            "--model: the terms of the bound are measured on images; name them with --data");
    write_vlb_figure(files, arguments.vlb, arguments.data);
  }
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
  verb->add_option("--image", arguments->image, "Which image of the data to noise (0)")->group("Data");
  add_vlb_figure_options(*verb, arguments->vlb);
  verb->callback([arguments] { run_figures(*arguments); });
}

}  // namespace iddpm::cli
