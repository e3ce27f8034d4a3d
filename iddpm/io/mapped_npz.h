#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// An array of bytes of a NumPy .npz archive as it lies in the file, where it is stored and in C order: uint8, read
/// page by page as it is used, never to be written to. The mapping lives as long as the tensor. Its checksum isn't
/// looked at, and a file that is cut while it is in use ends the process. Nothing if the array is deflated, of another
/// type or order, or isn't there. Throws Error if the archive is broken.
std::optional<Tensor> map_npz_array(const std::filesystem::path& path, const std::string& name);

}  // namespace iddpm
