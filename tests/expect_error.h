#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "iddpm/core/error.h"

namespace iddpm {

/// Expects that `action` throws an Error whose sentence holds every one of `parts`.
template <typename Action>
void expect_error(Action action, const std::vector<std::string>& parts) {
  try {
    action();
    ADD_FAILURE() << "no error was thrown";
  } catch (const Error& error) {
    const std::string sentence = error.what();
    for (const std::string& part : parts) {
      EXPECT_NE(sentence.find(part), std::string::npos) << "'" << part << "' is not in: " << sentence;
    }
  }
}

}  // namespace iddpm
