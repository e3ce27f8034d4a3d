// Processes that are asked to end, stopped for a while, or told a time of day that jumps.

#include <chrono>
#include <thread>

#include "tests/faults/faulty_run.h"

namespace iddpm::test {
namespace {

class InterruptionFaults : public FaultyRun {};

}  // namespace

TEST_F(InterruptionFaults, SignalsThatEndItSaveFirst) {
  for (const int number : {SIGTERM, SIGHUP, SIGINT}) {
    std::filesystem::remove_all(folder_ / "r");
    BackgroundProgram program(folder_.path(), training("r", 100000));
    ASSERT_TRUE(program.wait_for("r/log.jsonl", "\"step\":3,")) << errors();
    program.send(number);
    ASSERT_EQ(program.exit_code(), 130) << errors();
    const std::int64_t last = logged_steps("r").back();
    EXPECT_TRUE(std::filesystem::exists(checkpoint("r", last))) << "the step under way is the last";
    const int steps = static_cast<int>(last) + 2;
    ASSERT_EQ(exit_code_of("train --resume r --steps " + std::to_string(steps)), 0) << errors();
    expect_as_undisturbed("r", steps);
  }
}

TEST_F(InterruptionFaults, AStopForAWhileChangesNothing) {
  BackgroundProgram program(folder_.path(), training("r", 60, "--checkpoint-every 10"));
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(program.wait_for("r/log.jsonl", "\"step\":" + std::to_string(10 * i + 1) + ","));
    program.send(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    program.send(SIGCONT);
  }
  ASSERT_EQ(program.exit_code(), 0) << errors();
  expect_as_undisturbed("r", 60);
}

TEST_F(InterruptionFaults, ATimeOfDayThatJumpsChangesNothing) {
  const auto preload = [] {
    setenv("LD_PRELOAD", IDDPM_BINARY_DIR "/bin/libjumping_clock.so", 1);
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
  };
  // A time in minutes too, which must not be over at once.
  ASSERT_EQ(exit_code_of(training("r", 20, "--minutes 30 --checkpoint-every 5"), preload), 0) << errors();
  expect_as_undisturbed("r", 20);
}

}  // namespace iddpm::test
