#include "iddpm/core/random_stream.h"

#include <cmath>
#include <numbers>
#include <numeric>

#include "iddpm/core/error.h"
#include "iddpm/core/philox.h"

namespace iddpm {
namespace {

// The finaliser of SplitMix64 (Steele et al. 2014): nearby seeds get unrelated keys.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

}  // namespace

RandomStream::RandomStream(std::uint64_t seed, StreamPurpose purpose, std::uint64_t index) : index_(index) {
  const std::uint64_t key = mix(mix(seed) ^ static_cast<std::uint64_t>(purpose));
  key_ = {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
}

void RandomStream::refill() {
  buffer_ = philox4x32_10({static_cast<std::uint32_t>(block_), static_cast<std::uint32_t>(block_ >> 32),
                           static_cast<std::uint32_t>(index_), static_cast<std::uint32_t>(index_ >> 32)},
                          key_);
  ++block_;
  unused_ = 4;
}

std::uint32_t RandomStream::bits() {
  if (unused_ == 0) refill();
  return buffer_[static_cast<std::size_t>(4 - unused_--)];
}

double RandomStream::uniform() {
  const std::uint64_t high = bits() >> 5;
  const std::uint64_t low = bits() >> 6;
  return static_cast<double>((high << 26) | low) * 0x1p-53;
}

std::uint64_t RandomStream::below(std::uint64_t n) {
  require(n > 0, "random numbers below n: expected n above 0, got 0");
  // The first 2^64 mod n values are drawn again, which leaves as many of each remainder.
  const std::uint64_t rejected = (0 - n) % n;
  while (true) {
    const std::uint64_t high = bits();
    const std::uint64_t low = bits();
    const std::uint64_t value = (high << 32) | low;
    if (value >= rejected) return value % n;
  }
}

void RandomStream::fill_normal(std::span<float> values) {
  for (std::size_t i = 0; i < values.size(); i += 2) {
    const double radius = std::sqrt(-2.0 * std::log1p(-uniform()));
    const double angle = 2.0 * std::numbers::pi * uniform();
    values[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < values.size()) values[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
}

void RandomStream::seek(std::uint64_t block) {
  block_ = block;
  unused_ = 0;
}

Tensor normal_per_image(std::span<RandomStream> streams, at::IntArrayRef image_shape, at::Device device) {
  std::vector<std::int64_t> shape = {static_cast<std::int64_t>(streams.size())};
  shape.insert(shape.end(), image_shape.begin(), image_shape.end());
  const Tensor noise = at::empty(shape, at::kFloat);
  const std::size_t image_size = streams.empty() ? 0 : static_cast<std::size_t>(noise.numel()) / streams.size();
  for (std::size_t i = 0; i < streams.size(); ++i) {
    streams[i].fill_normal({noise.data_ptr<float>() + i * image_size, image_size});
  }
  return noise.to(device);
}

std::vector<std::int64_t> permutation(RandomStream stream, std::int64_t n) {
  require(n >= 0, "permutation: expected a size of at least 0, got {}", n);
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[stream.below(i)]);
  return order;
}

}  // namespace iddpm
