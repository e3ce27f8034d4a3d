#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "iddpm/io/safetensors.h"

namespace iddpm {

/// SHA-256 (NIST FIPS 180-4), fed piece by piece.
class Sha256 {
 public:
  void add(std::span<const std::byte> bytes);
  /// A tensor's values, row-major, as they lie in memory; the type and shape are not part of it.
  void add(const Tensor& values);
  /// The digest of everything added so far, 64 lower-case hexadecimal digits.
  std::string hex() const;

 private:
  void compress(const std::byte* block);

  std::array<std::uint32_t, 8> state_ = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
                                         0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19};
  std::array<std::byte, 64> buffer_{};
  std::uint64_t length_ = 0;  ///< bytes added
};

std::string sha256(std::span<const std::byte> bytes);
std::string sha256(std::string_view text);

/// Of a whole file. Throws Error naming it if it can't be read.
std::string sha256_of_file(const std::filesystem::path& path);

/// Of named tensors whatever file they came from: the names in alphabetical order, each followed by its type, shape and
/// values. Two files that hold the same weights have the same one.
std::string sha256_of_tensors(const NamedTensors& tensors);

}  // namespace iddpm
