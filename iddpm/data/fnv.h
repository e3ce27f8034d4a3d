#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace iddpm {

/// The 64-bit hash of Fowler, Noll and Vo (FNV-1a): tells data apart, protects against no malice.
class Fnv1a {
 public:
  void add(std::span<const std::uint8_t> bytes) {
    for (const std::uint8_t byte : bytes) hash_ = (hash_ ^ byte) * prime;
  }

  void add(std::int64_t number) {
    for (int shift = 0; shift < 64; shift += 8) {
      const auto byte = static_cast<std::uint8_t>(static_cast<std::uint64_t>(number) >> shift);
      add(std::span(&byte, 1));
    }
  }

  void add(std::string_view text) {
    add(static_cast<std::int64_t>(text.size()));
    add(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }

  /// Eight bytes a step, for gigabytes; another value than `add` gives.
  void add_fast(std::span<const std::uint8_t> bytes) {
    while (bytes.size() >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data(), 8);
      hash_ = (hash_ ^ word) * prime;
      hash_ ^= hash_ >> 32;
      bytes = bytes.subspan(8);
    }
    add(bytes);
  }

  std::uint64_t value() const { return hash_; }

 private:
  static constexpr std::uint64_t prime = 0x100000001b3;
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace iddpm
