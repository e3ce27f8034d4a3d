#include "cli/vlb_figure.h"

#include <CLI/CLI.hpp>

#include "cli/likelihood.h"

namespace iddpm::cli {

void add_vlb_figure_options(CLI::App& verb, VlbFigureOptions& options) {
  constexpr const char* group = "Terms of the bound of a trained model";
  verb.add_option("--model", options.model, "Run folder or checkpoint file")->group(group);
  verb.add_option("--count", options.count, "Images to measure on (64)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 32))
      ->group(group);
  add_weight_options(verb, options.weights);
  add_compute_options(verb, options.compute);
}

void write_vlb_figure(const FigureFiles& files, const VlbFigureOptions& options, const DataOptions& data) {
  const Likelihood likelihood = measure_likelihood({.model = options.model,
                                                    .weights = options.weights,
                                                    .compute = options.compute,
                                                    .data = data,
                                                    .count = options.count});
  const std::vector<ProcessCurve> curves = {{options.model.filename().string(), likelihood.bits.terms}};
  files.write("vlb_terms", vlb_terms_plot(curves), curves);
}

}  // namespace iddpm::cli
