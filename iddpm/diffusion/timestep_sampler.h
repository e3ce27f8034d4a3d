#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "iddpm/core/random_stream.h"
#include "iddpm/core/tensor.h"
#include "iddpm/diffusion/timesteps.h"

namespace iddpm {

/// Timesteps of a batch and the weights that keep the loss unbiased.
struct SampledTimesteps {
  Timesteps t;
  Tensor weight;  ///< [N] float32 on the host: 1 / (T p_t)
};

/// Chooses the timesteps at which the loss is estimated.
class TimestepSampler {
 public:
  virtual ~TimestepSampler() = default;
  /// p_t, sums to 1, [T].
  virtual std::vector<double> probabilities() const = 0;
  /// Losses [N] seen at t [N] (unweighted), in the order of the batch. Throws Error if one isn't finite.
  virtual void record(const Timesteps& t, const Tensor& loss) {}
  /// All that must be kept for an exact resume, float64; empty if there is nothing.
  virtual std::vector<double> state() const { return {}; }
  /// Throws Error if the state isn't one of such a sampler.
  virtual void restore(std::span<const double> state);

  /// One timestep per stream: image i's comes from streams[i], so that it doesn't depend on the batch.
  SampledTimesteps sample(std::span<RandomStream> streams) const;
  /// `count` timesteps from one stream.
  SampledTimesteps sample(std::int64_t count, RandomStream& stream) const;
};

/// p_t = 1 / T.
class UniformTimesteps : public TimestepSampler {
 public:
  /// Throws Error unless there is at least one step.
  explicit UniformTimesteps(std::int64_t steps);
  std::vector<double> probabilities() const override;

 private:
  std::int64_t steps_;
};

struct ImportanceTimestepsOptions {
  std::int64_t history = 10;           ///< losses remembered per t
  double uniform_probability = 0.001;  ///< mixed in, so that no t is ever forgotten
};

/// p_t proportional to sqrt(E[L_t^2]) over the last losses at t (arXiv 2102.09672 eq. 18); uniform until every t has a
/// full history, and while all losses are 0.
class ImportanceTimesteps : public TimestepSampler {
 public:
  /// Throws Error unless there is at least one step and the options are in range.
  explicit ImportanceTimesteps(std::int64_t steps, ImportanceTimestepsOptions options = {});
  std::vector<double> probabilities() const override;
  void record(const Timesteps& t, const Tensor& loss) override;
  std::vector<double> state() const override;
  void restore(std::span<const double> state) override;

 private:
  bool is_warm() const;

  ImportanceTimestepsOptions options_;
  std::vector<double> history_;       ///< [T, history], the oldest loss first
  std::vector<std::int64_t> counts_;  ///< [T]: how many losses each t has seen, up to history
};

}  // namespace iddpm
