#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/data/dataset.h"
#include "iddpm/diffusion/reverse_process.h"
#include "iddpm/evaluation/progress.h"

namespace iddpm {

/// The variational bound of each image of a batch, in bits per dimension (arXiv 2102.09672, eq. 4 to 7), with the
/// errors of the network's predictions. Tensors are [N] or [N, T], column t for timestep t.
struct VlbOfBatch {
  Tensor total;          ///< [N]: the prior term and all others
  Tensor prior;          ///< [N]: L_T
  Tensor terms;          ///< [N, T]: L_0 (the decoder's) .. L_{T-1}
  Tensor x_0_error;      ///< [N, T]: mean squared error of the predicted x_0
  Tensor epsilon_error;  ///< [N, T]: mean squared error of the noise that it amounts to
};

/// Noise [N, C, H, W] for the estimate at timestep t.
using VlbNoise = std::function<Tensor(std::int64_t t)>;

/// Every term for a batch x_0 [N, C, H, W], from t = T - 1 down to 0, one network evaluation each. `progress`, if
/// given, is told timesteps done of T.
VlbOfBatch vlb_of_batch(const ReverseProcess& p_theta, const Tensor& x_0, const VlbNoise& noise, bool clip_x_0 = true,
                        const Progress& progress = {});

/// The bound over a data set: means over its images, and the standard error of the total's mean.
struct BitsPerDimension {
  std::int64_t images = 0;
  double total = 0;
  double standard_error = 0;  ///< of `total`, from the spread between images; 0 for one image
  double prior = 0;
  std::vector<double> terms;          ///< [T]
  std::vector<double> x_0_error;      ///< [T]
  std::vector<double> epsilon_error;  ///< [T]
  std::vector<std::string> skipped;   ///< broken images, left out
};

struct BitsPerDimensionOptions {
  std::int64_t count = 0;  ///< the first so many images; 0, or more than there are: all
  std::int64_t batch = 64;
  std::uint64_t seed = 0;  ///< of the noise; image i has its own stream
  bool clip_x_0 = true;
  at::Device device = at::kCPU;
};

/// A process for images of the classes y ([N] on the CPU; undefined without classes).
using ProcessOfClasses = std::function<ReverseProcess(const Tensor& y)>;

/// Measures each of the first `count` images once, in the data set's own order. Throws Error if there are none.
BitsPerDimension bits_per_dimension(const ProcessOfClasses& process, const Dataset& dataset,
                                    const BitsPerDimensionOptions& options = {}, const Progress& progress = {});

}  // namespace iddpm
