#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace iddpm {

/// What the library throws when it can't do what was asked. `what()` is one sentence for people: it names the file,
/// option or argument, what was found and what is expected.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A number that had to be finite wasn't: a loss, a gradient, a sample.
class NotFiniteError : public Error {
 public:
  using Error::Error;
};

/// Throws an Error with a formatted sentence.
template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

/// Throws an Error with a formatted sentence unless `condition` holds.
template <typename... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) fail(format, std::forward<Args>(args)...);
}

/// A tensor's or image's extents for messages: "[2, 3, 32, 32]".
template <typename Extents>
std::string format_shape(const Extents& extents) {
  return fmt::format("[{}]", fmt::join(extents.begin(), extents.end(), ", "));
}

}  // namespace iddpm
