// Processes that are killed (SIGKILL) at random moments: what comes out in the end is what an undisturbed process
// makes, bit for bit.

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <thread>

#include "tests/cli/background_program.h"

namespace iddpm::test {
namespace {

namespace fs = std::filesystem;

class Faults : public ::testing::Test {
 protected:
  void SetUp() override { write_tiny_images(folder_ / "images"); }

  // Gives `command` until it has ended by itself, killing the first `kills` attempts after up to `longest`
  // milliseconds. Whatever the moments are, the end must be the same; the last attempt is left alone.
  void give_until_done(const std::function<std::string()>& command, int kills, int longest, std::uint32_t seed) const {
    std::mt19937 random(seed);
    for (int attempt = 0; attempt <= kills; ++attempt) {
      BackgroundProgram program(folder_.path(), command());
      if (attempt < kills) {
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % static_cast<std::uint32_t>(longest)));
        program.send(SIGKILL);
      }
      const int code = program.exit_code();
      if (code == 0) return;
      ASSERT_EQ(code, 128 + SIGKILL) << "attempt " << attempt << ": " << text_of(folder_ / "err");
    }
  }

  // A training of `steps` steps that saves after each, killed so often, leaves what one without faults leaves.
  void expect_same_training(int steps, int kills) const {
    const std::string begin =
        "train --data images --sample-every 0 --log-every 1 --checkpoint-every 1 --keep 2 --steps " +
        std::to_string(steps) + tiny_model + "--run ";
    ASSERT_EQ(run_program(folder_.path(), begin + "undisturbed").exit_code, 0);
    const auto go_on = [&]() -> std::string {
      for (const auto& entry : fs::recursive_directory_iterator(folder_ / "killed")) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("step_") && !name.ends_with(".training.safetensors")) return "train --resume killed";
      }
      return begin + "killed --overwrite";
    };
    fs::create_directory(folder_ / "killed");
    give_until_done(go_on, kills, 600, 1);
    for (const char* kind : {".safetensors", ".training.safetensors"}) {
      char name[64];
      std::snprintf(name, sizeof name, "checkpoints/step_%08d%s", steps, kind);
      EXPECT_TRUE(text_of(folder_ / "killed" / name) == text_of(folder_ / "undisturbed" / name)) << name;
      EXPECT_NE(text_of(folder_ / "killed" / name), "") << name;
    }
    std::istringstream log(text_of(folder_ / "killed/log.jsonl"));
    std::int64_t step = 0;
    for (std::string line; std::getline(log, line);) {
      EXPECT_EQ(nlohmann::json::parse(line)["step"], ++step) << "each step has one line";
    }
    EXPECT_EQ(step, steps);
  }

  // The same of samples drawn by a small model.
  void expect_same_samples(int images, int kills) const {
    ASSERT_EQ(run_program(folder_.path(), "train --data images --run model --steps 1 --sample-every 0" + tiny_model)
                  .exit_code,
              0);
    const std::string draw =
        "sample model --count " + std::to_string(images) + " --batch 4 --steps 10 --threads 1 --precision float32 ";
    ASSERT_EQ(run_program(folder_.path(), draw + "--out whole --npz whole.npz").exit_code, 0);
    give_until_done([&] { return draw + "--out parts --npz parts.npz"; }, kills, 600, 2);
    EXPECT_TRUE(text_of(folder_ / "parts.npz") == text_of(folder_ / "whole.npz"));
    for (const auto& entry : fs::directory_iterator(folder_ / "whole")) {
      const fs::path name = entry.path().filename();
      if (name == "samples.json") continue;
      EXPECT_TRUE(text_of(folder_ / "parts" / name) == text_of(entry.path())) << name;
    }
  }

  TemporaryFolder folder_;
};

class SlowFaults : public Faults {};

}  // namespace

TEST_F(Faults, OfATrainingChangeNothing) { expect_same_training(20, 4); }
TEST_F(Faults, OfSamplingChangeNothing) { expect_same_samples(40, 2); }

TEST_F(SlowFaults, OfATrainingChangeNothing) { expect_same_training(600, 200); }
TEST_F(SlowFaults, OfSamplingChangeNothing) { expect_same_samples(4000, 50); }

}  // namespace iddpm::test
