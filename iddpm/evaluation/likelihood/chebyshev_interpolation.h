#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// f at all of P points, [P, F] in float64 on the CPU, for an f: double -> [F] that is smooth between the least and the
/// greatest of them and costly: with more points than `nodes` it is evaluated only at so many Chebyshev points of the
/// interval, ends included, and interpolated by their polynomial (Berrut & Trefethen 2004, "Barycentric Lagrange
/// interpolation", eq. 4.2 and 5.4). For an entire function such as exp(-v x), |v| times the interval's length up to
/// 30, 40 nodes give all the digits there are. Throws Error unless there are points, finite ones, and 2 nodes.
Tensor interpolated(const std::vector<double>& points, std::int64_t nodes, const std::function<Tensor(double)>& f);

}  // namespace iddpm
