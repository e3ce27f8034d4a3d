// Several processes that work together, as real processes.

#include "tests/processes/joined_programs.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "iddpm/io/safetensors.h"
#include "iddpm/processes/process_group.h"
#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

namespace fs = std::filesystem;

class Processes : public ProgramTest {
 protected:
  static void SetUpTestSuite() {
    ProgramTest::SetUpTestSuite();
    write_tiny_images(at("images"));
  }
  void SetUp() override {
    if (!has_backend(ProcessBackend::automatic)) GTEST_SKIP() << "this LibTorch works in one process only";
  }

  // Everything that belongs to an example: classes that are left out, dropout, flips, timesteps by their losses.
  static std::string training(const std::string& run, int steps) {
    return "train --data images --labels prefix --class-conditional --class-dropout 0.2 --dropout 0.1 --flip "
           "--timesteps importance --objective vlb --sample-every 0 --log-every 1 "
           "--checkpoint-every 3 --ema 0.9 --run " +
           run + " --steps " + std::to_string(steps) + with(tiny_model, "--diffusion-steps 2");
  }

  // Set by set (weights, averages, moments): the first steps of AdamW divide small gradients by themselves, so that
  // single numbers may differ by more than the gradients do.
  static void expect_same_weights(const std::string& a, const std::string& b, int step) {
    char name[64];
    for (const char* kind : {"", ".training"}) {
      std::snprintf(name, sizeof name, "checkpoints/step_%08d%s.safetensors", step, kind);
      const SafetensorsFile one(at(a) / name), other(at(b) / name);
      ASSERT_EQ(one.names(), other.names()) << "the same files";
      std::map<std::string, std::pair<double, double>> squares;  // of the differences, of the numbers
      for (const std::string& tensor : one.names()) {
        auto& [difference, number] =
            squares[tensor.substr(0, tensor.find_first_of(".", tensor.find("ema_0.") == 0 ? 6 : 0))];
        const Tensor x = one.tensor(tensor).to(at::kDouble), y = other.tensor(tensor).to(at::kDouble);
        difference += (x - y).square().sum().item<double>();
        number += y.square().sum().item<double>();
      }
      for (const auto& [set, sums] : squares) {
        EXPECT_LE(std::sqrt(sums.first), 2e-3 * std::sqrt(sums.second)) << set << " of " << a << " at step " << step;
      }
    }
  }

  static std::vector<double> losses_of(const std::string& run) {
    std::istringstream log(text_of(at(run) / "log.jsonl"));
    std::vector<double> losses;
    for (std::string line; std::getline(log, line);) losses.push_back(nlohmann::json::parse(line)["loss"]);
    return losses;
  }

  static void expect_same_losses(const std::string& a, const std::string& b) {
    const auto one = losses_of(a), other = losses_of(b);
    ASSERT_EQ(one.size(), other.size());
    for (std::size_t i = 0; i < one.size(); ++i) EXPECT_NEAR(one[i], other[i], 1e-3 * one[i] + 1e-4) << "step " << i;
  }
};

class SlowProcesses : public Processes {};

/// Two networks with a cable between them: what two machines are to programs.
class TwoNetworks {
 public:
  TwoNetworks() {
    there_ = ip("netns add " + names_[0]) && ip("netns add " + names_[1]) &&
             ip("link add va netns " + names_[0] + " type veth peer name vb netns " + names_[1]) &&
             ip("-n " + names_[0] + " addr add 10.79.0.1/24 dev va") &&
             ip("-n " + names_[1] + " addr add 10.79.0.2/24 dev vb") && ip("-n " + names_[0] + " link set va up") &&
             ip("-n " + names_[1] + " link set vb up") && ip("-n " + names_[0] + " link set lo up") &&
             ip("-n " + names_[1] + " link set lo up");
  }
  ~TwoNetworks() {
    for (const std::string& name : names_) ip("netns del " + name);
  }
  bool there() const { return there_; }
  void cut() const { ip("-n " + names_[0] + " link set va down"); }
  /// Of the process that calls it.
  void enter(int number) const {
    const int network = open(("/run/netns/" + names_[static_cast<std::size_t>(number)]).c_str(), O_RDONLY);
    if (setns(network, CLONE_NEWNET) != 0) _exit(98);
  }

 private:
  static bool ip(const std::string& command) {
    return std::system(("ip " + command + " >/dev/null 2>&1").c_str()) == 0;
  }

  const std::array<std::string, 2> names_ = {"iddpm_a" + std::to_string(getpid()),
                                             "iddpm_b" + std::to_string(getpid())};
  bool there_ = false;
};

}  // namespace

TEST_F(Processes, TwoTrainAsOneDoes) {
  run(training("one", 6));
  run("launch --processes 2 -- " + training("two", 6));
  expect_same_losses("two", "one");
  expect_same_weights("two", "one", 3);
  expect_same_weights("two", "one", 6);
  EXPECT_EQ(nlohmann::json::parse(text_of(at("two/run.json")))["run"]["processes"], 2);
}

TEST_F(SlowProcesses, ThreeAndFourTrainAsOneDoes) {
  run(training("one", 6));
  run("launch --processes 3 -- " + training("three", 6));
  run("launch --processes 4 -- " + training("four", 6) + "--shard-optimizer");
  for (const char* several : {"three", "four"}) {
    expect_same_losses(several, "one");
    expect_same_weights(several, "one", 3);
    expect_same_weights(several, "one", 6);
  }
}

TEST_F(SlowProcesses, ARunGoesOnWithAnotherNumber) {
  run(training("whole", 6));
  run("launch --processes 3 -- " + training("parts", 3));
  run("launch --processes 2 -- train --resume parts --steps 5");
  run("train --resume parts --steps 6");
  expect_same_losses("parts", "whole");
  expect_same_weights("parts", "whole", 6);
}

TEST_F(SlowProcesses, ALaunchThatIsStartedAgainEndsBitForBit) {
  const std::string options =
      "train --data images --sample-every 0 --log-every 1 --checkpoint-every 5 --steps 60" + tiny_model + "--run ";
  run("launch --processes 2 -- " + options + "undisturbed");
  BackgroundProgram launch(folder(), "launch --processes 2 --restarts 1 -- " + options + "restarted");
  ASSERT_TRUE(launch.wait_until([] { return fs::exists(at("restarted/checkpoints/step_00000010.safetensors")); }));
  const std::string children =
      "/proc/" + std::to_string(launch.process()) + "/task/" + std::to_string(launch.process()) + "/children";
  std::istringstream ids(text_of(children));
  pid_t first = 0, second = 0;
  ids >> first >> second;
  ASSERT_GT(second, 0);
  kill(second, SIGKILL);
  EXPECT_EQ(launch.exit_code(), 0) << text_of(at("err"));
  EXPECT_NE(text_of(at("err")).find("all are started again (1 of 1)"), std::string::npos) << text_of(at("err"));
  const char* last = "checkpoints/step_00000060.safetensors";
  EXPECT_TRUE(text_of(at("restarted") / last) == text_of(at("undisturbed") / last));
}

TEST_F(Processes, ADeadOneIsNamedAndTheRunCanGoOn) {
  const std::string forever = "train --data images --run killed --sample-every 0 --log-every 1 --checkpoint-every 2 " +
                              tiny_model + "--process-timeout 5 --steps ";
  {
    JoinedPrograms programs(folder(), 2, forever + "1000000");
    ASSERT_TRUE(programs.rank(0).wait_until([] {
      return fs::exists(at("killed/checkpoints/step_00000004.safetensors"));
    })) << programs.said(0);
    programs.rank(1).send(SIGKILL);
    EXPECT_EQ(programs.rank(0).exit_code(), 1);
    EXPECT_NE(programs.said(0).find("iddpm: rank 1 has given no sign of life"), std::string::npos) << programs.said(0);
    EXPECT_NE(programs.said(0).find("rank 0 waited for"), std::string::npos) << programs.said(0);
  }
  run("train --resume killed --minutes 0.01");
}

TEST_F(SlowProcesses, AStoppedOneIsNamedWithinTheTimeout) {
  JoinedPrograms programs(folder(), 2,
                          "train --data images --run stopped --sample-every 0 --log-every 1 --checkpoint-every 1000000 "
                          "--process-timeout 4 --steps 1000000" +
                              tiny_model);
  ASSERT_TRUE(programs.rank(0).wait_for("stopped/log.jsonl", "\"step\":3")) << programs.said(0);
  programs.rank(0).send(SIGSTOP);
  EXPECT_EQ(programs.rank(1).exit_code(), 1);
  EXPECT_NE(programs.said(1).find("iddpm (rank 1): rank 0 has given no sign of life for 4 seconds"), std::string::npos)
      << programs.said(1);
}

TEST_F(SlowProcesses, TwoMachinesTrainUntilTheirNetworkFails) {
  const TwoNetworks networks;
  if (!networks.there()) GTEST_SKIP() << "networks can't be made here";
  JoinedPrograms programs(
      folder(), 2,
      "train --data images --run far --sample-every 0 --log-every 1 --checkpoint-every 2 --process-timeout 4 "
      "--steps 1000000" +
          tiny_model,
      "10.79.0.1", [&](int rank) { networks.enter(rank); });
  ASSERT_TRUE(programs.rank(0).wait_until([] { return fs::exists(at("far/checkpoints/step_00000004.safetensors")); }))
      << programs.said(0) << programs.said(1);
  networks.cut();
  for (const int rank : {0, 1}) {
    EXPECT_EQ(programs.rank(rank).exit_code(), 1);
    const std::string sentence = "rank " + std::to_string(1 - rank) + " has given no sign of life";
    EXPECT_NE(programs.said(rank).find(sentence), std::string::npos) << programs.said(rank);
  }
  run("train --resume far --minutes 0.01");
}

TEST_F(Processes, SamplesDontDependOnTheirNumber) {
  run("train --data images --run model --steps 1 --sample-every 0" + tiny_model);
  const std::string draw = "sample model --count 11 --batch 2 --steps 4 --threads 1 --precision float32 ";
  run(draw + "--out alone --npz alone.npz");
  run("launch --processes 2 -- " + draw + "--out shared --npz shared.npz");
  EXPECT_TRUE(text_of(at("alone.npz")) == text_of(at("shared.npz")));
  for (const auto& entry : fs::directory_iterator(at("alone"))) {
    const fs::path name = entry.path().filename();
    if (name == "samples.json") continue;
    EXPECT_TRUE(text_of(at("shared") / name) == text_of(entry.path())) << name;
  }
}

TEST_F(Processes, OneThatFailsTellsTheOthersWhy) {
  JoinedPrograms programs(folder(), 2, "train --data images --run tiny --steps 3" + with(tiny_model, "--batch 1"));
  EXPECT_EQ(programs.rank(0).exit_code(), 1);
  EXPECT_EQ(programs.rank(1).exit_code(), 1);
  EXPECT_NE((programs.said(0) + programs.said(1)).find("batch: expected at least one image for each of 2"),
            std::string::npos)
      << programs.said(0) << programs.said(1);
}

TEST_F(Processes, WhatCantBeIsRefused) {
  const std::string two = "export RANK=0 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=1;";
  expect_refused("info x", {"info works in one process", "2 were started"}, two);
  expect_refused("train --data images --dry-run", {"--dry-run", "one process"}, two);
  expect_refused("train --data images", {"RANK is set", "WORLD_SIZE is not"}, "export RANK=0;");
  for (const auto& [command, words] : std::vector<std::pair<std::string, std::string>>{
           {"train --data images --process-timeout 5", "--process-timeout has no effect in a process alone"},
           {"train --data images --shard-optimizer", "--shard-optimizer has no effect in a process alone"},
           {"sample run --process-backend gloo", "--process-backend has no effect"},
           {"launch --processes 2", "expected '-- VERB ...'"},
           {"launch --processes 2 -- info x", "expected one of train, sample behind '--', got 'info'"},
           {"launch --processes 0 -- train", "--processes"}}) {
    const std::string refusal = refusal_in(folder(), command);
    EXPECT_NE(refusal.find(words), std::string::npos) << command << ": " << refusal;
  }
}

TEST_F(Processes, ALaunchPassesOnItsSignal) {
  BackgroundProgram launch(folder(),
                           "launch --processes 2 -- train --data images --run asked --sample-every 0 --log-every 1 "
                           "--steps 1000000" +
                               tiny_model);
  ASSERT_TRUE(launch.wait_for("asked/log.jsonl", "\"step\":2")) << text_of(at("err"));
  launch.send(SIGTERM);
  EXPECT_EQ(launch.exit_code(), 130) << text_of(at("err"));
  EXPECT_NE(text_of(at("err")).find("everything is saved"), std::string::npos) << text_of(at("err"));
}

}  // namespace iddpm::test
