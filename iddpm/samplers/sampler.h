#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

#include "iddpm/core/random_stream.h"
#include "iddpm/diffusion/reverse_process.h"

namespace iddpm {

/// Noise for a batch of images: draw 0 is x_T, draw 1 + k belongs to the k-th step. [N, C, H, W].
using NoiseSource = std::function<Tensor(std::int64_t draw)>;

/// One random stream per image: row i of a draw comes from streams[i] and the number of the draw alone, whatever else
/// is in the batch and whichever draws came before. Float32 [N, C, H, W]. Throws Error unless there is a stream and the
/// image's extents [C, H, W] are positive.
NoiseSource noise_from_streams(std::vector<RandomStream> streams, std::vector<std::int64_t> image_shape,
                               at::Device device = at::kCPU);

/// A sampling run between two steps.
struct SamplingState {
  std::int64_t step = 0;  ///< steps done
  std::int64_t t = 0;     ///< the (respaced) timestep just undone; by an inversion, just done
  Tensor x;               ///< x_{t-1}, the sample itself after the last step; in an inversion x_t
  Tensor x_0;             ///< the network's guess of x_0 at this step
};

/// A sampling run under way: `next` does one step, without gradients, and returns nothing once the run is over. The
/// base of every sampler, those that remember earlier steps included. A run holds copies of all it needs.
class SamplingRun {
 public:
  virtual ~SamplingRun() = default;
  virtual std::optional<SamplingState> next() = 0;
  virtual std::int64_t steps() const = 0;
};

/// The steps of a run as a range: `for (const SamplingState& state : sampler.watch(...))`.
class SamplingSteps {
 public:
  explicit SamplingSteps(std::unique_ptr<SamplingRun> run) : run_(std::move(run)) {}
  class Iterator {
   public:
    using value_type = SamplingState;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(SamplingRun* run) : run_(run) { ++*this; }
    const SamplingState& operator*() const { return *state_; }
    const SamplingState* operator->() const { return &*state_; }
    Iterator& operator++() {
      state_ = run_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !state_; }

   private:
    SamplingRun* run_ = nullptr;
    std::optional<SamplingState> state_;
  };
  Iterator begin() { return Iterator(run_.get()); }
  std::default_sentinel_t end() const { return {}; }
  std::int64_t steps() const { return run_->steps(); }

 private:
  std::unique_ptr<SamplingRun> run_;
};

/// Which images to draw: one per seed.
struct SamplingOptions {
  std::vector<std::uint64_t> seeds;
  std::vector<std::int64_t> image_shape;  ///< [C, H, W]
  at::Device device = at::kCPU;
};

/// A way to go from noise to images by a denoiser of the process q, in q's own steps (shorten the process for fewer).
class Sampler {
 public:
  virtual ~Sampler() = default;
  /// Begins a run at x_T; noise draws 1 .. steps are taken from `noise`, those that a step doesn't need left out.
  virtual std::unique_ptr<SamplingRun> start(const ForwardProcess& q, Denoiser denoiser, Tensor x_T,
                                             NoiseSource noise) const = 0;
  /// Whether its steps are drawn from the prediction's mean and variance; others look at x_0 alone.
  virtual bool draws_from_mean() const { return false; }
  /// How often a run over q asks the denoiser. (A guided denoiser asks its network more than once each time.)
  virtual std::int64_t evaluations(const ForwardProcess& q) const { return q.steps(); }

  /// The whole run step by step, from draw 0 of `noise`.
  SamplingSteps watch(const ForwardProcess& q, Denoiser denoiser, NoiseSource noise) const;
  /// The whole run at once, without gradients: images [N, C, H, W].
  Tensor run(const ForwardProcess& q, const Denoiser& denoiser, const NoiseSource& noise) const;
  /// The same for the images of the given seeds, each from its own stream (purpose sampling, index 0).
  Tensor run(const ForwardProcess& q, const Denoiser& denoiser, const SamplingOptions& options) const;
  /// The same with a network as its process reads it.
  Tensor run(const ReverseProcess& p_theta, const Network& network, const SamplingOptions& options) const;
};

}  // namespace iddpm
