#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// What random numbers are for. Streams of one seed but different purposes or indices never meet.
enum class StreamPurpose : std::uint32_t {
  sampling = 1,    ///< x_T and the noise of each reverse step; index: the image's number
  training_noise,  ///< epsilon of a training example; index: the example's number since the start of the run
  training_timesteps,
  dropout,
  data_order,  ///< index: the epoch
  augmentation,
  evaluation,
  initialisation,
  class_dropout,   ///< index: the training example's number
  low_resolution,  ///< noise on what super-resolution enlarges; index: the image's or training example's number
  movement,        ///< augmentation that the network is told of; index: the training example's number
};

/// A stream of random numbers that is a pure function of (seed, purpose, index, position): Philox4x32-10 (Salmon et
/// al., "Parallel random numbers: as easy as 1, 2, 3", 2011) with the seed and purpose as the key and (position, index)
/// as the counter. Any number of streams can be made without storing anything, so that every image has one of its own
/// and results don't depend on batches, threads or processes.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, StreamPurpose purpose, std::uint64_t index = 0);

  /// 32 uniform bits.
  std::uint32_t bits();
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  /// Uniform in 0 .. n - 1 without bias. Throws Error if n is 0.
  std::uint64_t below(std::uint64_t n);
  /// Standard normal numbers (Box & Muller 1958, computed in double).
  void fill_normal(std::span<float> values);

  /// Continues at the given block of four 32-bit numbers.
  void seek(std::uint64_t block);

 private:
  void refill();

  std::array<std::uint32_t, 2> key_;
  std::uint64_t index_;
  std::uint64_t block_ = 0;
  std::array<std::uint32_t, 4> buffer_{};
  int unused_ = 0;
};

/// One draw of standard normal noise for each image, float32 on `device`: row i of the result [N, image_shape...] comes
/// from streams[i].
Tensor normal_per_image(std::span<RandomStream> streams, at::IntArrayRef image_shape, at::Device device = at::kCPU);

/// A random permutation of 0 .. n - 1 (Fisher & Yates).
std::vector<std::int64_t> permutation(RandomStream stream, std::int64_t n);

}  // namespace iddpm
