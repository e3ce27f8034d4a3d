// Training loses nothing: signals, terminals that go away, runs in the way of others.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <functional>
#include <thread>

#include "tests/cli/program.h"

namespace iddpm::test {
namespace {

namespace fs = std::filesystem;

class NothingLost : public ::testing::Test {
 protected:
  void SetUp() override { write_tiny_images(folder_ / "images"); }

  // Starts `iddpm ARGUMENTS` without a shell in between; `prepare` runs in the new process before.
  pid_t start(const std::string& arguments, const std::function<void()>& prepare = {}) const {
    const std::string command = "cd '" + folder_.path().string() + "' && exec '" + IDDPM_BINARY_DIR + "/bin/iddpm' " +
                                arguments + " >out 2>" + errors_;
    const pid_t child = fork();
    if (child == 0) {
      if (prepare) prepare();
      execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      _exit(99);
    }
    return child;
  }
  static int exit_code_of(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  // Until a file holds some words, at most 20 s.
  void wait_for(const std::string& file, const std::string& words) const {
    for (int i = 0; i < 400 && text_of(folder_ / file).find(words) == std::string::npos; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  bool has_checkpoint(const std::string& run) const {
    for (const auto& entry : fs::directory_iterator(folder_ / run / "checkpoints")) {
      if (entry.path().string().ends_with(".training.safetensors")) return true;
    }
    return false;
  }

  TemporaryFolder folder_;
  std::string errors_ = "err";
  const std::string endless_ =
      "train --data images --run r --minutes 2 --log-every 1 --sample-every 0 --checkpoint-every 1000000000" +
      tiny_model;
};

}  // namespace

TEST_F(NothingLost, AHangUpSavesAndStops) {
  const pid_t child = start(endless_, [] { signal(SIGHUP, SIG_DFL); });
  wait_for("r/log.jsonl", "step");
  kill(child, SIGHUP);
  kill(child, SIGHUP);  // terminals send it more than once
  EXPECT_EQ(exit_code_of(child), 130) << text_of(folder_ / "err");
  EXPECT_TRUE(has_checkpoint("r"));
}

TEST_F(NothingLost, SignalsThatWereIgnoredStayIgnored) {
  for (const int number : {SIGHUP, SIGINT}) {
    const pid_t child =
        start("train --data images --run r --overwrite --steps 30 --log-every 1 --sample-every 0" + tiny_model,
              [=] { signal(number, SIG_IGN); });
    wait_for("r/log.jsonl", "step");
    kill(child, number);
    EXPECT_EQ(exit_code_of(child), 0) << text_of(folder_ / "err");
    EXPECT_TRUE(fs::exists(folder_ / "r/checkpoints/step_00000030.safetensors"));
    if (number == SIGHUP) fs::remove_all(folder_ / "r");
  }
}

TEST_F(NothingLost, WordsThatNobodyReadsEndNothing) {
  const std::string arguments = "train --data images --run r --overwrite --steps 2 --sample-every 0" + tiny_model;
  errors_ = "/dev/full";
  EXPECT_EQ(exit_code_of(start(arguments)), 0);
  EXPECT_TRUE(has_checkpoint("r"));
  fs::remove_all(folder_ / "r");
  errors_ = "&-";  // closed
  EXPECT_EQ(exit_code_of(start(arguments)), 0);
  EXPECT_TRUE(has_checkpoint("r"));
  EXPECT_EQ(text_of(folder_ / "r/log.jsonl").find("Training"), std::string::npos) << "no file took its place";
  fs::remove_all(folder_ / "r");
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  close(pipe_ends[0]);
  errors_ = "&" + std::to_string(pipe_ends[1]);  // a pipe without a reader
  EXPECT_EQ(exit_code_of(start(arguments)), 0);
  close(pipe_ends[1]);
  EXPECT_TRUE(has_checkpoint("r"));
}

TEST_F(NothingLost, AnInterruptionIsHeededWhileAGridIsDrawn) {
  const pid_t child = start(
      "train --data images --run r --steps 50 --sample-every 1 --log-every 1 --image-size 32 --image-channels 1 "
      "--channels 64 --blocks 2 --no-attention --batch 1 --diffusion-steps 1000 --threads 1 --precision float32");
  wait_for("r/log.jsonl", "\"step\":1");
  const auto start = std::chrono::steady_clock::now();
  kill(child, SIGTERM);
  EXPECT_EQ(exit_code_of(child), 130) << text_of(folder_ / "err");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(15));
  EXPECT_FALSE(fs::exists(folder_ / "r/samples/step_00000001.png")) << "the grid was done before the signal came";
  EXPECT_TRUE(has_checkpoint("r"));
}

TEST_F(NothingLost, OneRunHasOneProcess) {
  const pid_t child = start(endless_);
  wait_for("r/log.jsonl", "step");
  for (const std::string& arguments :
       {std::string("train --resume r --steps 3"), "train --data images --run r --overwrite --steps 1" + tiny_model}) {
    const auto second = run_program(folder_.path(), arguments);
    EXPECT_EQ(second.exit_code, 1);
    EXPECT_NE(second.errors.find("process " + std::to_string(child)), std::string::npos) << second.errors;
  }
  kill(child, SIGTERM);
  EXPECT_EQ(exit_code_of(child), 130);
}

TEST_F(NothingLost, OverwritingRefusesFirstAndReplacesLast) {
  const std::string options = " --data images --run r --overwrite --sample-every 0" + tiny_model;
  ASSERT_EQ(run_program(folder_.path(), "train --steps 2" + options).exit_code, 0);
  const std::string model = text_of(folder_ / "r/checkpoints/step_00000002.safetensors");
  for (const char* wrong : {"--schedule cosin", "--device cuda:99", "--channels 7", "--ema 2"}) {
    EXPECT_NE(run_program(folder_.path(), "train --steps 1" + options + wrong).exit_code, 0) << wrong;
    EXPECT_EQ(text_of(folder_ / "r/checkpoints/step_00000002.safetensors"), model) << wrong;
    EXPECT_TRUE(fs::exists(folder_ / "r/run.json")) << wrong;
  }
  // Killed before its first checkpoint, the new run leaves the earlier one.
  const pid_t child = start("train --minutes 2 --log-every 1 --checkpoint-every 1000000000" + options);
  wait_for("err", "Training on");
  wait_for("r/log.jsonl", "\"step\":3");
  kill(child, SIGKILL);
  exit_code_of(child);
  EXPECT_FALSE(fs::exists(folder_ / "r/checkpoints/step_00000002.safetensors"));
  const auto back = run_program(folder_.path(), "train --resume r --steps 2");
  EXPECT_EQ(back.exit_code, 0) << back.errors;
  EXPECT_NE(back.errors.find("is back in r"), std::string::npos) << back.errors;
  EXPECT_EQ(text_of(folder_ / "r/checkpoints/step_00000002.safetensors"), model);
  ASSERT_EQ(run_program(folder_.path(), "train --steps 1" + options).exit_code, 0);
  EXPECT_FALSE(fs::exists(folder_ / "r/checkpoints/step_00000002.safetensors")) << "replaced";
  EXPECT_FALSE(fs::exists(folder_ / "r/.replaced"));
}

TEST_F(NothingLost, OverwritingTouchesOnlyRuns) {
  const auto mine = folder_.write("project/samples/thesis.txt", "mine");
  const auto report = folder_.write("project/report.html", "mine");
  const auto result =
      run_program(folder_.path(), "train --data images --run project --overwrite --steps 1" + tiny_model);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.errors.find("run.json"), std::string::npos) << result.errors;
  EXPECT_EQ(text_of(mine), "mine");
  EXPECT_EQ(text_of(report), "mine");
  EXPECT_FALSE(fs::exists(folder_ / "project/.lock")) << "not even looked into";
}

TEST_F(NothingLost, WhatKilledProcessesLeftIsSwept) {
  ASSERT_EQ(
      run_program(folder_.path(), "train --data images --run r --steps 1 --sample-every 0" + tiny_model).exit_code, 0);
  const auto left = folder_.write("r/checkpoints/.iddpm-0123456789abcdef.tmp", "half");
  std::ofstream(folder_ / "r/log.jsonl", std::ios::app) << "not a line\n";
  const auto result = run_program(folder_.path(), "train --resume r --steps 2");
  EXPECT_EQ(result.exit_code, 0) << "one unreadable line of the log doesn't matter: " << result.errors;
  EXPECT_NE(result.errors.find("log.jsonl, line"), std::string::npos) << result.errors;
  EXPECT_FALSE(fs::exists(left));
}

TEST_F(NothingLost, ATrainingWhoseReportFailsHasNotFailed) {
  ASSERT_EQ(
      run_program(folder_.path(), "train --data images --run r --steps 1 --sample-every 0" + tiny_model).exit_code, 0);
  folder_.write("r/evaluation.json", "not an evaluation");
  const auto result = run_program(folder_.path(), "train --resume r --steps 2");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_NE(result.errors.find("report couldn't be written"), std::string::npos) << result.errors;
}

TEST_F(NothingLost, TheReportShowsTheModelsOwnProcess) {
  ASSERT_EQ(
      run_program(folder_.path(), "train --data images --run r --steps 1 --sample-every 0" + tiny_model).exit_code, 0);
  const std::string report = text_of(folder_ / "r/report.html");
  EXPECT_NE(report.find("first training image, T = 20"), std::string::npos);
  EXPECT_EQ(report.find("T = 1000"), std::string::npos);
}

}  // namespace iddpm::test
