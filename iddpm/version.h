#pragma once

namespace iddpm {

/// Of the library and the program; the same as in CMakeLists.txt (a test compares them).
inline constexpr const char* version = "0.1.0";

}  // namespace iddpm
