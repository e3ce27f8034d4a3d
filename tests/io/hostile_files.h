#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "iddpm/core/error.h"
#include "iddpm/core/memory_limit.h"
#include "tests/temporary_folder.h"

namespace iddpm {

/// A memory limit for one test.
class MemoryLimit {
 public:
  explicit MemoryLimit(std::uint64_t bytes) : before_(memory_limit()) { set_memory_limit(bytes); }
  ~MemoryLimit() { set_memory_limit(before_); }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  std::uint64_t before_;
};

inline std::string contents_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Whether `action` throws an Error whose text holds `part`.
inline ::testing::AssertionResult throws_error(const std::function<void()>& action, const std::string& part) {
  try {
    action();
  } catch (const Error& error) {
    if (std::string(error.what()).find(part) != std::string::npos) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "the error reads: " << error.what() << "; expected in it: " << part;
  } catch (const std::exception& error) {
    return ::testing::AssertionFailure() << "another exception: " << error.what();
  }
  return ::testing::AssertionFailure() << "no error; expected one with: " << part;
}

/// Reads every beginning of `contents` (at most about `count` of them) and expects an Error each time.
inline void expect_error_at_every_truncation(const std::string& contents, const std::function<void(std::string)>& read,
                                             std::size_t count = 2000) {
  const std::size_t step = std::max<std::size_t>(1, contents.size() / count);
  for (std::size_t length = 0; length < contents.size(); length += step) {
    ASSERT_TRUE(throws_error([&] { read(contents.substr(0, length)); }, "")) << "cut to " << length << " bytes";
  }
}

/// Reads `contents` with one byte changed at a time, in three ways: reading may succeed or throw Error, and nothing
/// else. Returns how often it threw.
inline std::size_t errors_of_flipped_bytes(const std::string& contents, const std::function<void(std::string)>& read,
                                           std::size_t count = 2000) {
  const std::size_t step = std::max<std::size_t>(1, contents.size() / count);
  std::size_t errors = 0;
  for (std::size_t position = 0; position < contents.size(); position += step) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string changed = contents;
      changed[position] = static_cast<char>(changed[position] ^ flip);
      try {
        read(changed);
      } catch (const Error&) {
        ++errors;
      } catch (const std::exception& error) {
        ADD_FAILURE() << "byte " << position << " xor " << flip << ": " << error.what();
      }
    }
  }
  return errors;
}

}  // namespace iddpm
