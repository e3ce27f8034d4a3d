#pragma once

#include <cmath>
#include <cstdint>

/// The numbers behind dropout masks. A mask is a pure function of the image's key, the layer and the element's index,
/// so the plain implementation (64-bit tensor operations) and the vector one (32-bit lanes) agree bit for bit.
namespace iddpm::kernels {

// The two-round xorshift-multiply permutation of 32-bit integers with the least bias known (search by C. Wellons and T.
// Ettinger, 2018-2022). Both factors are below 2^31, so that a product with a 32-bit number fits a signed 64-bit
// integer.
inline constexpr std::uint32_t mix_factor_1 = 0x21f0aaad;
inline constexpr std::uint32_t mix_factor_2 = 0x735a2d97;

constexpr std::uint32_t mix(std::uint32_t x) {
  x = (x ^ (x >> 16)) * mix_factor_1;
  x = (x ^ (x >> 15)) * mix_factor_2;
  return x ^ (x >> 15);
}

/// The two words that stand for one image in one layer.
struct DropoutWords {
  std::uint32_t first;
  std::uint32_t second;
};

constexpr DropoutWords dropout_words(std::int64_t key, std::int64_t layer) {
  const auto low = static_cast<std::uint32_t>(static_cast<std::uint64_t>(key));
  const auto high = static_cast<std::uint32_t>(static_cast<std::uint64_t>(key) >> 32);
  const std::uint32_t base = mix(static_cast<std::uint32_t>(layer) ^ 0x9e3779b9u);
  const std::uint32_t first = mix(low ^ base);
  return {first, mix(high ^ mix(first))};
}

/// The element's 32 random bits: two rounds of mix, keyed by the two words.
constexpr std::uint32_t dropout_bits(DropoutWords words, std::uint32_t index) {
  return mix(mix(index ^ words.first) ^ words.second);
}

/// An element is dropped when its bits are below this.
inline std::uint32_t dropout_threshold(double probability) {
  return static_cast<std::uint32_t>(std::llround(probability * 4294967296.0));
}

}  // namespace iddpm::kernels
