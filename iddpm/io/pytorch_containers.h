#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "iddpm/io/pickle_value.h"

namespace iddpm {

/// The pickle of a checkpoint, and how to load the storages it refers to.
struct PytorchContainer {
  Pickle pickle;
  /// All elements of a storage, one-dimensional.
  std::function<Tensor(const PickleStorage&)> load;
};

/// The format since torch 1.6: a zip archive with data.pkl and one entry for each storage.
PytorchContainer open_pytorch_zip(const std::filesystem::path& path);

/// The format before: five pickles (magic number, version, the writing machine, the data, keys of storages) and the
/// storages, each after its number of elements.
PytorchContainer open_pytorch_legacy(const std::filesystem::path& path);

/// The legacy format's first value, as the pickle has it: 0x1950a86a20f9469cfc6c, least significant byte first.
inline constexpr std::string_view pytorch_legacy_magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

}  // namespace iddpm
