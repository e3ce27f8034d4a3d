#pragma once

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/program.h"
#include "cli/terminal/command_line.h"
#include "iddpm/core/error.h"
#include "tests/cli/program.h"

namespace iddpm::test {

/// Runs of the program in a folder that the tests of a suite share.
class ProgramTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { folder_ = new TemporaryFolder; }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  static const std::filesystem::path& folder() { return folder_->path(); }
  static std::filesystem::path at(const std::string& name) { return folder() / name; }
  static bool exists(const std::string& name) { return std::filesystem::exists(at(name)); }

  /// Expects success and returns standard output.
  static std::string run(const std::string& arguments) {
    const auto result = run_program(folder(), arguments);
    EXPECT_EQ(result.exit_code, 0) << arguments << "\n" << result.errors;
    return result.output;
  }
  /// Expects success and returns the JSON on standard output.
  static nlohmann::json json_of(const std::string& arguments) {
    return nlohmann::json::parse(run(arguments + " --json"), nullptr, false);
  }
  /// Expects failure in one sentence, with nothing on standard output, and returns the sentence. `before` is shell put
  /// in front.
  static std::string error_of(const std::string& arguments, const std::string& before = "") {
    const auto result = run_program(folder(), arguments, before);
    EXPECT_TRUE(result.exit_code == 1 || result.exit_code == 2) << arguments << ": exit code " << result.exit_code;
    EXPECT_EQ(result.errors.rfind("iddpm: ", 0), 0U) << arguments << "\n" << result.errors;
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << arguments << "\n" << result.errors;
    EXPECT_EQ(result.output, "") << arguments;
    return result.errors;
  }
  /// The same of a sentence that holds all `words`.
  static void expect_refused(const std::string& arguments, const std::vector<std::string>& words,
                             const std::string& before = "") {
    const std::string error = error_of(arguments, before);
    for (const std::string& word : words) {
      EXPECT_NE(error.find(word), std::string::npos) << arguments << "\nexpected '" << word << "' in: " << error;
    }
  }

 private:
  inline static TemporaryFolder* folder_ = nullptr;
};

/// What the program says of a command line that it refuses, in this process, which takes no time to start; in the
/// folder. Nothing if it carries it out. Words are separated by spaces, which '...' keeps together.
inline std::string refusal_in(const std::filesystem::path& folder, const std::string& command) {
  std::vector<std::string> arguments(1);
  bool quoted = false;
  for (const char c : command) {
    if (c == '\'') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      arguments.emplace_back();
    } else {
      arguments.back() += c;
    }
  }
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder);
  std::string refusal;
  const auto program = cli::make_program();
  try {
    cli::carry_out(*program, arguments);
  } catch (const CLI::ParseError& error) {
    refusal = cli::explain(*program, error);
  } catch (const Error& error) {
    refusal = error.what();
  }
  std::filesystem::current_path(before);
  return refusal;
}

/// The same with "images", the tiny ones, and "run", a tiny model of them trained for 4 steps, with checkpoints and
/// sample grids at 2 and 4. It is trained once for all suites.
class TinyRunTest : public ProgramTest {
 protected:
  static void SetUpTestSuite() {
    static const TemporaryFolder first;
    if (!std::filesystem::exists(first / "run")) {
      write_tiny_images(first / "images");
      const auto result = run_program(
          first.path(),
          "train --data images --run run --steps 4 --checkpoint-every 2 --sample-every 2 --log-every 1" + tiny_model);
      ASSERT_EQ(result.exit_code, 0) << result.errors;
    }
    ProgramTest::SetUpTestSuite();
    for (const char* name : {"images", "run"}) {
      std::filesystem::copy(first / name, at(name), std::filesystem::copy_options::recursive);
    }
  }
};

/// Options with some of them replaced by others: "--batch 4 --flip" with "--batch 8" is "--flip --batch 8".
inline std::string with(std::string options, const std::string& others) {
  std::istringstream words(others);
  for (std::string word; words >> word;) {
    if (!word.starts_with("--")) continue;
    const std::size_t start = (" " + options).find(" " + word + " ");
    if (start == std::string::npos) continue;
    const std::size_t end = options.find(" --", start);
    options.erase(start, end == std::string::npos ? end : end + 1 - start);
  }
  return options + " " + others + " ";
}

}  // namespace iddpm::test
