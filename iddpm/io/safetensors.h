#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// A safetensors file opened for reading (https://huggingface.co/docs/safetensors): the header is read and checked when
/// it is opened (size, offsets, overlaps, types), a tensor's data only when asked for.
class SafetensorsFile {
 public:
  /// Throws Error if the file is missing, truncated, not safetensors, or claims more data than it holds.
  explicit SafetensorsFile(std::filesystem::path path);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;

  const std::filesystem::path& path() const;
  /// Names in the order of the data.
  std::vector<std::string> names() const;
  bool contains(const std::string& name) const;
  std::vector<std::int64_t> shape(const std::string& name) const;
  at::ScalarType type(const std::string& name) const;
  /// A copy on the CPU. Throws Error if there is none of this name.
  Tensor tensor(const std::string& name) const;
  /// The same of a tensor that must be of this type and shape: anything else is refused before it is read.
  Tensor tensor(const std::string& name, at::ScalarType type, const std::vector<std::int64_t>& shape) const;
  /// Throws Error of kind out_of_memory if all tensors together are more than the memory limit: to be called before
  /// many of them are read.
  void require_memory_for_all() const;
  /// The `__metadata__` of the header.
  const std::map<std::string, std::string>& metadata() const;
  /// Bytes of the whole file.
  std::uint64_t file_size() const;

 private:
  struct Contents;
  std::unique_ptr<Contents> contents_;
};

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// Writes a safetensors file atomically (beside, fsync, rename). Throws Error naming the file (disk full, no
/// permission); then nothing of the name has changed.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace iddpm
