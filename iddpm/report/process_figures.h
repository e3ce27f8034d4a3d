#pragma once

#include <string>
#include <vector>

#include "iddpm/report/line_plot.h"

namespace iddpm {

/// The field's figures about the diffusion process, from plain numbers indexed by t (0-based). Figure numbers are those
/// of Nichol & Dhariwal 2021 (arXiv 2102.09672).

/// A named curve over t = 0 .. values.size() - 1.
struct ProcessCurve {
  std::string name = {};
  std::vector<double> values = {};
};

/// alpha_bar_t over t / T for several schedules (figure 5).
LinePlot alpha_bar_plot(const std::vector<ProcessCurve>& schedules);

/// The ratio beta_tilde_t / beta_t of the two bounds of the reverse variance, for several T (figure 1). On a linear
/// axis over t / T; on a logarithmic one over the step t + 1, which shows how soon the ratio reaches 1.
LinePlot variance_ratio_plot(const std::vector<ProcessCurve>& processes, AxisScale t_scale = AxisScale::linear);

/// The terms of the variational bound in bits per dimension over t on a logarithmic axis (figure 2), over t / T or, on
/// a logarithmic axis, over the step t + 1, which spreads out the first steps that dominate the bound.
LinePlot vlb_terms_plot(const std::vector<ProcessCurve>& models, AxisScale t_scale = AxisScale::logarithmic);

}  // namespace iddpm
