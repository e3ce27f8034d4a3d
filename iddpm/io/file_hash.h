#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "iddpm/io/safetensors.h"

namespace iddpm {

/// SHA-256 (NIST FIPS 180-4, by OpenSSL), fed piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::span<const std::byte> bytes);
  /// A tensor's values, row-major, as they lie in memory; the type and shape are not part of it.
  void add(const Tensor& values);
  /// The digest of everything added so far, 64 lower-case hexadecimal digits.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256(std::span<const std::byte> bytes);
std::string sha256(std::string_view text);

/// Of a whole file. Throws Error naming it if it can't be read.
std::string sha256_of_file(const std::filesystem::path& path);

/// Of named tensors whatever file they came from: the names in alphabetical order, each followed by its type, shape and
/// values. Two files that hold the same weights have the same one.
std::string sha256_of_tensors(const NamedTensors& tensors);

}  // namespace iddpm
