#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "iddpm/core/memory_limit.h"
#include "iddpm/core/tensor.h"
#include "iddpm/io/safetensors.h"

namespace iddpm {

/// Reads arrays of a NumPy .npz archive (deflated or stored; little-endian numbers and bools of C or Fortran order, of
/// unsigned ones the next wider signed type, where 8 bytes have to fit 63 bits; object arrays are refused), in the
/// archive's order. `names` empty: all. Throws Error if the file is broken, an array is missing, or they claim more
/// than `byte_limit` bytes together (by default core/memory_limit.h's).
NamedTensors read_npz(const std::filesystem::path& path, const std::vector<std::string>& names = {},
                      std::uint64_t byte_limit = memory_limit());

/// The names, types and shapes of an archive's arrays, without their data. Unsigned integers of 2 and 4 bytes count as
/// the wider signed type that read_npz makes of them.
struct NpzEntry {
  std::string name;
  at::ScalarType type;
  std::vector<std::int64_t> shape;
  std::string problem = {};  ///< why read_npz would refuse it: an array of text, objects, records ...
};
std::vector<NpzEntry> list_npz(const std::filesystem::path& path);

/// Writes arrays as a NumPy .npz archive (stored), atomically. np.load reads it.
void write_npz(const std::filesystem::path& path, const NamedTensors& arrays);

}  // namespace iddpm
