#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <vector>

#include "cli/options/compute_options.h"
#include "cli/options/data_options.h"
#include "cli/options/weight_options.h"
#include "iddpm/report/process_figures.h"

namespace iddpm::cli {

/// The model of figure 2 and how finely it is measured.
struct VlbFigureOptions {
  std::filesystem::path model;
  WeightOptions weights;
  ComputeOptions compute;
  std::int64_t count = 64;
};

void add_vlb_figure_options(CLI::App& verb, VlbFigureOptions& options);

/// The terms of the variational bound per t, measured.
std::vector<ProcessCurve> vlb_terms(const VlbFigureOptions& options, const DataOptions& data);

}  // namespace iddpm::cli
