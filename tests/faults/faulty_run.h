#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cli/background_program.h"

namespace iddpm::test {

/// Trainings of a tiny model that something happens to. In the end they must be what one is that nothing happens to.
class FaultyRun : public ::testing::Test {
 protected:
  void SetUp() override { write_tiny_images(folder_ / "images"); }

  /// The command that begins a run, which logs each step.
  static std::string training(const std::string& run, int steps, const std::string& more = "") {
    return "train --data images --sample-every 0 --log-every 1 --run " + run + " --steps " + std::to_string(steps) +
           tiny_model + more;
  }

  int exit_code_of(const std::string& arguments, const std::function<void()>& prepare = {}) const {
    return BackgroundProgram(folder_.path(), arguments, prepare).exit_code();
  }
  std::string errors() const { return text_of(folder_ / "err"); }

  /// For a process to be: no file may grow beyond so many bytes, as on a disk that is full.
  static std::function<void()> with_largest_file(std::uint64_t bytes) {
    return [=] {
      const rlimit limit = {bytes, bytes};
      setrlimit(RLIMIT_FSIZE, &limit);
    };
  }

  std::filesystem::path checkpoint(const std::string& run, std::int64_t step,
                                   const std::string& kind = ".safetensors") const {
    char name[64];
    std::snprintf(name, sizeof name, "checkpoints/step_%08d", static_cast<int>(step));
    return folder_ / run / (name + kind);
  }

  /// The steps that the log has lines of.
  std::vector<std::int64_t> logged_steps(const std::string& run) const {
    std::vector<std::int64_t> steps;
    std::istringstream log(text_of(folder_ / run / "log.jsonl"));
    for (std::string line; std::getline(log, line);) {
      const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
      steps.push_back(json.is_object() ? json["step"].get<std::int64_t>() : -1);
    }
    return steps;
  }

  /// Trains another run to that step, once, and compares parameters, averages, optimiser and log.
  void expect_as_undisturbed(const std::string& run, int steps) {
    const std::string other = "undisturbed_" + std::to_string(steps);
    if (!std::filesystem::exists(folder_ / other)) {
      ASSERT_EQ(exit_code_of(training(other, steps, "--checkpoint-every 1000000")), 0) << errors();
    }
    for (const char* kind : {".safetensors", ".training.safetensors"}) {
      const std::string expected = text_of(checkpoint(other, steps, kind));
      EXPECT_FALSE(expected.empty());
      EXPECT_TRUE(text_of(checkpoint(run, steps, kind)) == expected) << run << kind;
    }
    EXPECT_EQ(logged_steps(run), logged_steps(other)) << "each step has one line";
  }

  /// Files that are being written, or were left by a process that ended.
  std::vector<std::string> temporary_files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (entry.path().extension() == ".tmp") names.push_back(entry.path().string());
    }
    return names;
  }

  TemporaryFolder folder_;
};

}  // namespace iddpm::test
