#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "iddpm/core/progress.h"
#include "iddpm/core/tensor.h"
#include "iddpm/data/dataset.h"
#include "iddpm/diffusion/optimal_respacing.h"
#include "iddpm/evaluation/likelihood/bits_per_dimension.h"
#include "iddpm/evaluation/protocol.h"

namespace iddpm {

/// The terms of the variational bound for every step between two of `timesteps`, of a batch x_0 [N, C, H, W]: means
/// over its images in bits per dimension (Watson et al. 2021, arXiv 2106.03802). One pass of the network at x_t tells
/// the divergence KL(q(x_s | x_t, x_0) || p(x_s | x_t)) for all s < t at once, with the variances of the process
/// shortened to them. x_t is made from draw 1 + (T - 1 - t) of `noise`, as for the whole process in `bound_terms`; what
/// `respaced_bound` finds in the table is, up to rounding, what `bound_terms` finds for
/// `p_theta.respaced(kept timesteps)` with the same noise in each x_t.
///
/// Where there are more than 40 timesteps, the means over pixels of what depends on a step's variance are interpolated
/// (see chebyshev_interpolation.h). That changes the divergences by rounding only, and the last step's likelihood,
/// whose far tails float32 makes rough, by up to some 1e-4 of it.
///
/// Throws Error for a network that predicts x_{t-1}, which says nothing of other steps than its own, and unless the
/// timesteps ascend within the process and leave some signal.
BoundTable pairwise_terms(const ReverseProcess& p_theta, const Network& network, const Tensor& x_0,
                          const NoiseSource& noise, const std::vector<std::int64_t>& timesteps, bool clip_x_0 = true,
                          const ProgressCallback& progress = {});

/// N timesteps of a process that may be kept: evenly spread, with the first and the last; all of them (or 1000, if
/// there are more) for N = 0. Throws Error unless there are so many, and no more than `max_respacing_candidates`.
std::vector<std::int64_t> respacing_candidates(std::int64_t steps, std::int64_t count = 0);

struct PairwiseBoundOptions {
  std::int64_t count = 32;  ///< images, evenly spread over the data set; 0: all of them
  std::int64_t batch = 32;
  std::uint64_t seed = 0;       ///< of the noise, as in BitsPerDimensionOptions
  std::int64_t candidates = 0;  ///< timesteps that may be kept, see `respacing_candidates`
  bool clip_x_0 = true;
  at::Device device = at::kCPU;
};

/// The table of a model on a data set, from which its best timesteps for any number of steps follow.
struct PairwiseBound {
  std::vector<std::int64_t> timesteps = {};  ///< [N]: the candidates
  BoundTable terms = {};                     ///< of the candidates by their places, in bits per dimension
  ImageSetRecord measured = {};              ///< the images; the caller names their source
  ModelRecord model = {};                    ///< steps and seed; the caller names the checkpoint and its weights
  std::vector<std::string> skipped = {};     ///< names of broken images

  /// Candidates by their places -> timesteps.
  std::vector<std::int64_t> timesteps_at(const std::vector<std::int64_t>& places) const;
  /// The timesteps with which a process of so many steps has the least bound. Throws Error unless there are so many
  /// candidates.
  std::vector<std::int64_t> optimal_timesteps(std::int64_t steps) const;
};

/// Measures it, with as many passes of the network per image as there are candidates: `progress` counts images times
/// candidates. For one network, or one for each batch.
PairwiseBound pairwise_bound(const ReverseProcess& p_theta, const Network& network, const Dataset& dataset,
                             const PairwiseBoundOptions& options = {}, const ProgressCallback& progress = {});
PairwiseBound pairwise_bound(const ReverseProcess& p_theta, const NetworkOfImages& network_of, const Dataset& dataset,
                             const PairwiseBoundOptions& options = {}, const ProgressCallback& progress = {});

}  // namespace iddpm
