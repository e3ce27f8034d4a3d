#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "iddpm/core/error.h"

/// What the fuzzers have in common. Each target is a function of the bytes of a file.
namespace iddpm::fuzz {

using Input = std::span<const std::uint8_t>;

inline std::string_view text_of(Input input) { return {reinterpret_cast<const char*>(input.data()), input.size()}; }

/// A file of this name that holds these bytes, in this process's own folder of temporary files.
std::filesystem::path file_of(std::string_view bytes, const std::string& name);

/// Whatever the input, a reader reads it or throws Error. Anything else ends the fuzzer, which then reports a finding.
template <typename Read>
int reads_or_refuses(Read read) {
  try {
    read();
  } catch (const Error&) {
  }
  return 0;
}

/// Ends the fuzzer with a finding unless `holds`.
void demand(bool holds, const char* what);

}  // namespace iddpm::fuzz
