#pragma once

#include <string>
#include <string_view>

namespace iddpm {

/// A to Z become a to z; all else, bytes that aren't ASCII too, stays.
inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace iddpm
