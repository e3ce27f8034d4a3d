#pragma once

#include <filesystem>

#include "iddpm/io/safetensors.h"

namespace iddpm {

/// Reads a state dictionary written by torch.save: the zip format and the one from before torch 1.6, told apart by
/// their contents. The pickle inside is interpreted by a reader that knows tensors, numbers, strings, tuples, lists and
/// dictionaries and can execute nothing: anything else is an Error that names the file and the global asked for. Nested
/// dictionaries are flattened with dots
/// ("state.0.exp_avg"); values that are not tensors are left out. Strides and shared storages are honoured, sizes
/// checked against the file.
NamedTensors read_pytorch_checkpoint(const std::filesystem::path& path);

/// Whether the file's first bytes look like one of the two formats.
bool is_pytorch_checkpoint(const std::filesystem::path& path);

}  // namespace iddpm
