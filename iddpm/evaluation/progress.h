#pragma once

#include <cstdint>
#include <functional>

namespace iddpm {

/// Told, now and then, how much of a long evaluation is done. May throw to stop it.
using ProgressCallback = std::function<void(std::int64_t done, std::int64_t total)>;

}  // namespace iddpm
