#include "cli/vlb_figure.h"

#include <CLI/CLI.hpp>

#include "cli/likelihood.h"
#include "cli/options/values.h"

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
  const Likelihood likelihood = measure_likelihood({.model = options.model,
                                                    .weights = options.weights,
                                                    .compute = options.compute,
                                                    .data = data,
                                                    .count = options.count});
  return {{options.model.filename().string(), likelihood.bits.terms}};
}

}  // namespace iddpm::cli
