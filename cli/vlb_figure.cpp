#include "cli/vlb_figure.h"

#include <CLI/CLI.hpp>

#include "cli/options/open_model.h"
#include "cli/options/values.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/watched_progress.h"
#include "iddpm/core/error.h"
#include "iddpm/evaluation/likelihood/likelihood.h"

namespace iddpm::cli {

void add_vlb_figure_options(CLI::App& verb, VlbFigureOptions& options) {
  constexpr const char* group = "Terms of the bound of a trained model";
  verb.add_option("--model", options.model, "Run folder or checkpoint file")->group(group);
  verb.add_option("--count", options.count, "Images to measure on (64)")
      ->check(between(std::int64_t{1}, std::int64_t{1} << 32))
      ->group(group);
  add_weight_options(verb, options.weights);
  add_compute_options(verb, options.compute);
}

std::vector<ProcessCurve> vlb_terms(const VlbFigureOptions& options, const DataOptions& data) {
  apply_threads(options.compute);
  const Model model = open_model(options.model, options.weights, options.compute);
  const auto dataset = open_fitting_dataset(model.settings(), data.path, dataset_options(data));
  const Likelihood likelihood = [&] {
    WatchedProgress progress("Measuring likelihood");
    return measure_likelihood(model, *dataset, {.count = options.count}, std::ref(progress));
  }();
  for (const std::string& name : likelihood.bits.skipped) say(fmt::format("Skipped a broken image: {}", name));
  const std::vector<std::string>& not_finite = likelihood.bits.not_finite;
  if (!not_finite.empty()) {
    throw NotFiniteError(fmt::format("the bound of {} images is not finite, that of '{}' the first", not_finite.size(),
                                     not_finite.front()));
  }
  return {{options.model.filename().string(), likelihood.bits.terms}};
}

}  // namespace iddpm::cli
