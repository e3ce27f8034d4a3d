#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "iddpm/report/line_plot.h"

namespace iddpm {

/// The losses of a training run at its logged steps. Vectors are as long as `step`, or empty where a run has no such
/// loss; a value that isn't finite was not observed (no timestep of that quarter was drawn, say) and is passed over.
struct LossHistory {
  std::vector<double> step = {};
  std::vector<double> total = {};
  std::vector<double> mse = {};
  std::vector<double> vb = {};
  std::array<std::vector<double>, 4> quartiles = {};  ///< mean loss of the timesteps in [k T/4, (k+1) T/4)
};

/// A training curve smoothed by two passes of a moving average over up to `radius` points to either side; fewer near
/// the beginning, where such curves fall steeply. Values that aren't finite have no weight and stay
/// gaps.
std::vector<double> smooth(const std::vector<double>& values, std::size_t radius);

/// Total, mse and vb over the step on a logarithmic axis: the logged values pale, their smooth course above.
LinePlot loss_plot(const LossHistory& losses);

/// The loss of each quarter of the timesteps, likewise.
LinePlot quartile_plot(const LossHistory& losses);

}  // namespace iddpm
