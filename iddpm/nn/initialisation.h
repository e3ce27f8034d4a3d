#pragma once

#include <cstdint>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// What a parameter starts with.
struct Initialisation {
  enum class Kind { constant, uniform, normal };
  Kind kind = Kind::constant;
  double value = 0.0;  ///< the constant, the bound of a uniform distribution around 0, or the standard deviation
};

inline Initialisation constant(double value) { return {Initialisation::Kind::constant, value}; }
inline Initialisation normal(double standard_deviation) { return {Initialisation::Kind::normal, standard_deviation}; }
/// What LibTorch's linear and convolution layers start with, weight and bias alike: uniform within 1 / sqrt(fan_in),
/// which is Kaiming's uniform distribution (He et al. 2015, arXiv 1502.01852) with a = sqrt(5).
Initialisation uniform_by_fan_in(std::int64_t fan_in);

/// Fills a contiguous float32 parameter on the CPU. The numbers are a function of the seed and the parameter's index in
/// its network alone.
void initialise(Tensor& parameter, const Initialisation& initialisation, std::uint64_t seed, std::uint64_t index);

}  // namespace iddpm
