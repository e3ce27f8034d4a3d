#pragma once

#include <cstdint>
#include <string>

namespace iddpm {

/// Numbers for people.

/// "3 min 20 s", "1 h 5 min", "0.4 s".
std::string format_duration(double seconds);
/// "1.7 GB".
std::string format_bytes(double bytes);
/// "52.5 M", "1,679,782" below a million.
std::string format_count(std::int64_t count);

}  // namespace iddpm
