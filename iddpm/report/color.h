#pragma once

#include <cstdint>

namespace iddpm {

/// An 8-bit colour.
struct Rgb {
  std::uint8_t red = 0;
  std::uint8_t green = 0;
  std::uint8_t blue = 0;
};

}  // namespace iddpm
