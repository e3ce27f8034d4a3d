// Training loses nothing: signals, terminals that go away, runs in the way of others.

#include <gtest/gtest.h>

#include "cli/terminal/exit_codes.h"
#include "cli/terminal/interruption.h"
#include "iddpm/model/run_folder.h"
#include "tests/cli/background_program.h"
#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

namespace fs = std::filesystem;

class NothingLost : public ::testing::Test {
 protected:
  void SetUp() override { write_tiny_images(folder_ / "images"); }

  bool has_checkpoint(const std::string& run) const {
    for (const auto& entry : fs::directory_iterator(folder_ / run / "checkpoints")) {
      if (entry.path().string().ends_with(".training.safetensors")) return true;
    }
    return false;
  }

  int exit_code_of(const std::string& arguments, const std::string& errors) const {
    return BackgroundProgram(folder_.path(), arguments, {}, errors).exit_code();
  }

  // What `iddpm ARGUMENTS` says of a SIGTERM that came before it began, up to a colon; nothing if it could save. In a
  // process of its own, since a signal is remembered.
  std::string interrupted_at_once(const std::string& arguments) const {
    const pid_t child = fork();
    if (child == 0) {
      (void)cli::catch_interruption();
      raise(SIGTERM);  // whoever started the test may have SIGINT ignored
      std::string sentence;
      try {
        std::istringstream words(arguments);
        std::string command, word;
        while (words >> word) command += (command.empty() ? "" : " ") + word;
        sentence = refusal_in(folder_.path(), command);
      } catch (const cli::ExitWith&) {
      }
      folder_.write("sentence", sentence.substr(0, sentence.find(':')));
      _exit(0);
    }
    waitpid(child, nullptr, 0);
    return text_of(folder_ / "sentence");
  }

  TemporaryFolder folder_;
  const std::string endless_ =
      "train --data images --run r --minutes 2 --log-every 1 --sample-every 0 --checkpoint-every 1000000000" +
      tiny_model;
};

}  // namespace

TEST_F(NothingLost, AHangUpSavesAndStops) {
  BackgroundProgram training(folder_.path(), endless_);
  ASSERT_TRUE(training.wait_for("r/log.jsonl", "step")) << text_of(folder_ / "err");
  training.send(SIGHUP);
  training.send(SIGHUP);  // terminals send it more than once
  EXPECT_EQ(training.exit_code(), 130) << text_of(folder_ / "err");
  EXPECT_TRUE(has_checkpoint("r"));
}

TEST_F(NothingLost, SignalsThatWereIgnoredStayIgnored) {
  for (const int number : {SIGHUP, SIGINT}) {
    BackgroundProgram training(folder_.path(),
                               "train --data images --run r --steps 30 --log-every 1 --sample-every 0" + tiny_model,
                               [=] { signal(number, SIG_IGN); });
    ASSERT_TRUE(training.wait_for("r/log.jsonl", "step")) << text_of(folder_ / "err");
    training.send(number);
    EXPECT_EQ(training.exit_code(), 0) << text_of(folder_ / "err");
    EXPECT_TRUE(fs::exists(folder_ / "r/checkpoints/step_00000030.safetensors"));
    fs::remove_all(folder_ / "r");
  }
}

TEST_F(NothingLost, WordsThatNobodyReadsEndNothing) {
  const std::string arguments = "train --data images --run r --overwrite --steps 2 --sample-every 0" + tiny_model;
  EXPECT_EQ(exit_code_of(arguments, "/dev/full"), 0);
  EXPECT_TRUE(has_checkpoint("r"));
  fs::remove_all(folder_ / "r");
  EXPECT_EQ(exit_code_of(arguments, "&-"), 0);  // closed
  EXPECT_TRUE(has_checkpoint("r"));
  EXPECT_EQ(text_of(folder_ / "r/log.jsonl").find("Training"), std::string::npos) << "no file took its place";
  fs::remove_all(folder_ / "r");
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  close(pipe_ends[0]);
  EXPECT_EQ(exit_code_of(arguments, "&" + std::to_string(pipe_ends[1])), 0);  // a pipe without a reader
  close(pipe_ends[1]);
  EXPECT_TRUE(has_checkpoint("r"));
}

TEST_F(NothingLost, AnInterruptionIsHeededWhileAGridIsDrawn) {
  BackgroundProgram training(
      folder_.path(),
      "train --data images --run r --steps 50 --sample-every 1 --log-every 1 --image-size 32 --image-channels 1 "
      "--channels 64 --blocks 2 --no-attention --batch 1 --diffusion-steps 1000 --threads 1 --precision float32");
  ASSERT_TRUE(training.wait_for("r/log.jsonl", "\"step\":1")) << text_of(folder_ / "err");
  training.send(SIGTERM);
  EXPECT_EQ(training.exit_code(), 130) << text_of(folder_ / "err");
  EXPECT_TRUE(has_checkpoint("r"));
  const auto checkpoints = list_checkpoints(folder_ / "r");
  ASSERT_FALSE(checkpoints.empty());
  // Most of the time goes into the grids; the one that follows the last step was given up.
  const std::int64_t last = checkpoints.back().step;
  EXPECT_LT(last, 50);
  EXPECT_FALSE(fs::exists(folder_ / "r/samples" / fmt::format("step_{:08}.png", last)));
}

TEST_F(NothingLost, AnInterruptionBeforeTheFirstStepLeavesNothingInTheWay) {
  const std::string options = " --steps 2 --sample-every 0" + tiny_model;
  ASSERT_EQ(run_program(folder_.path(), "train --data images --run earlier" + options).exit_code, 0);
  const std::string model = text_of(folder_ / "earlier/checkpoints/step_00000002.safetensors");
  for (const std::string run : {"new", "earlier --overwrite"}) {
    ASSERT_EQ(interrupted_at_once("train --data images --run " + run + options), "interrupted before the first step");
  }
  EXPECT_EQ(text_of(folder_ / "earlier/checkpoints/step_00000002.safetensors"), model);
  for (const auto& entry : fs::directory_iterator(folder_ / "new")) EXPECT_EQ(entry.path().filename(), ".lock");
  EXPECT_EQ(interrupted_at_once("train --resume earlier --steps 3"), "") << "it has been saved before";
  EXPECT_EQ(run_program(folder_.path(), "train --data images --run new" + options).exit_code, 0);
}

TEST_F(NothingLost, ARunWithoutACheckpointIsNotSaidToGoOn) {
  BackgroundProgram training(folder_.path(), endless_);
  ASSERT_TRUE(training.wait_for("r/log.jsonl", "step")) << text_of(folder_ / "err");
  training.send(SIGKILL);
  training.exit_code();
  const auto again = run_program(folder_.path(), endless_);
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_NE(again.errors.find("before its first checkpoint"), std::string::npos) << again.errors;
  EXPECT_EQ(again.errors.find("--resume"), std::string::npos) << again.errors;
}

TEST_F(NothingLost, OneRunHasOneProcess) {
  BackgroundProgram training(folder_.path(), endless_);
  ASSERT_TRUE(training.wait_for("r/log.jsonl", "step")) << text_of(folder_ / "err");
  for (const std::string& arguments :
       {std::string("train --resume r --steps 3"), "train --data images --run r --overwrite --steps 1" + tiny_model}) {
    const auto second = run_program(folder_.path(), arguments);
    EXPECT_EQ(second.exit_code, 1);
    EXPECT_NE(second.errors.find("process " + std::to_string(training.process())), std::string::npos) << second.errors;
  }
  training.send(SIGTERM);
  EXPECT_EQ(training.exit_code(), 130);
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
  BackgroundProgram training(folder_.path(), "train --minutes 5 --log-every 1 --checkpoint-every 1000000000" + options);
  ASSERT_TRUE(training.wait_for("r/log.jsonl", "\"step\":3")) << text_of(folder_ / "err");
  training.send(SIGKILL);
  training.exit_code();
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
