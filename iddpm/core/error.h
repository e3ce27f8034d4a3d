#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace iddpm {

/// What went wrong, for programs that act on it.
enum class ErrorKind {
  bad_input,      ///< an argument, option or file isn't what is expected
  damaged_file,   ///< a file is cut short, altered, or breaks the rules of its format
  unsupported,    ///< a valid file or setting that this build or version can't deal with
  out_of_memory,  ///< memory for it can't be had
  interrupted,    ///< stopped because the caller asked for it
  not_finite      ///< a number that had to be finite wasn't
};

/// What the library throws when it can't do what was asked. `what()` is one sentence for people: it names the file,
/// option or argument, what was found and what is expected. `kind()` is for programs.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& sentence, ErrorKind kind = ErrorKind::bad_input)
      : std::runtime_error(sentence), kind_(kind) {}

  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// A number that had to be finite wasn't: a loss, a gradient, a sample.
class NotFiniteError : public Error {
 public:
  explicit NotFiniteError(const std::string& sentence) : Error(sentence, ErrorKind::not_finite) {}
};

/// Throws an Error with a formatted sentence; of kind bad_input unless another is named.
template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...), kind);
}

/// Throws an Error with a formatted sentence unless `condition` holds; of kind bad_input unless another is named.
template <typename... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) fail(format, std::forward<Args>(args)...);
}
template <typename... Args>
void require(bool condition, ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) fail(kind, format, std::forward<Args>(args)...);
}

/// A tensor's or image's extents for messages: "[2, 3, 32, 32]".
template <typename Extents>
std::string format_shape(const Extents& extents) {
  return fmt::format("[{}]", fmt::join(extents.begin(), extents.end(), ", "));
}

}  // namespace iddpm
