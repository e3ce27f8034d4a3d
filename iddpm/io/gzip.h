#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace iddpm {

/// A whole file, unpacked if it is gzip (by contents, not name). Throws Error naming it if it is missing, broken or
/// truncated, or would unpack to more than `limit` bytes.
std::string read_maybe_gzip(const std::filesystem::path& path, std::uint64_t limit = std::uint64_t{1} << 32);

}  // namespace iddpm
