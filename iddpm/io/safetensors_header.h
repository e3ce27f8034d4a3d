#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// One tensor of a safetensors file.
struct SafetensorsEntry {
  std::string name;
  at::ScalarType type = at::kFloat;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  ///< bytes from the end of the header
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  ///< in the order of the data
  std::map<std::string, std::string> metadata;
};

/// Parses and checks the JSON header of a safetensors file: types and shapes known, each tensor as many bytes as its
/// shape needs, tensors one after the other from 0 to `data_size` without gap or overlap, no name twice. Throws Error
/// beginning with `path`. Memory stays proportional to `json`, whatever it holds.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_size, const std::string& path);

/// Whether a file begins as safetensors files do. Nothing else of it is checked.
bool looks_like_safetensors(const std::filesystem::path& path);

/// The format's name of a type ("F32"), or null if it has none.
const char* safetensors_type_name(at::ScalarType type);

}  // namespace iddpm
