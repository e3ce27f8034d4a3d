// A long training: neither its memory nor its open files grow.

#include <unistd.h>

#include <fstream>
#include <iostream>
#include <iterator>

#include "tests/faults/faulty_run.h"

namespace iddpm::test {
namespace {

namespace fs = std::filesystem;

class SlowSoak : public FaultyRun {
 protected:
  struct Use {
    std::int64_t resident_kib = 0;
    std::int64_t descriptors = 0;
  };

  static Use use_of(pid_t process) {
    const fs::path folder = "/proc/" + std::to_string(process);
    std::ifstream statm(folder / "statm");
    std::int64_t pages = 0, resident_pages = 0;
    statm >> pages >> resident_pages;
    std::error_code gone;
    const auto count = std::distance(fs::directory_iterator(folder / "fd", gone), fs::directory_iterator());
    return {.resident_kib = resident_pages * (sysconf(_SC_PAGESIZE) / 1024), .descriptors = count};
  }

  // The last step that was logged; 0 before the first.
  std::int64_t last_step(const std::string& run) const {
    std::ifstream log(folder_ / run / "log.jsonl", std::ios::binary | std::ios::ate);
    if (!log) return 0;
    const std::streamoff size = log.tellg();
    constexpr std::streamoff more_than_a_line = 1000;
    log.seekg(std::max<std::streamoff>(0, size - more_than_a_line));
    const std::string end{std::istreambuf_iterator<char>(log), {}};
    const std::string key = "\"step\":";
    const std::size_t place = end.rfind(key);
    return place == std::string::npos ? 0 : std::atoll(end.c_str() + place + key.size());
  }
};

}  // namespace

TEST_F(SlowSoak, TenThousandStepsTakeNoMoreMemoryThanThousands) {
  constexpr std::int64_t steps = 10'000;
  BackgroundProgram program(folder_.path(),
                            "train --data images --run r --steps 10000 --log-every 5 --checkpoint-every 250 --keep 2 "
                            "--sample-every 500" +
                                tiny_model);
  Use early, late;  // the most of each, in the first and the last fifth after a beginning
  const auto is_done = [&] {
    const std::int64_t step = last_step("r");
    const Use use = use_of(program.process());
    Use* most = step >= steps / 10 && step < 3 * steps / 10 ? &early : step >= 8 * steps / 10 ? &late : nullptr;
    if (most != nullptr) {
      most->resident_kib = std::max(most->resident_kib, use.resident_kib);
      most->descriptors = std::max(most->descriptors, use.descriptors);
    }
    return step >= steps;
  };
  constexpr int most_minutes = 60;
  for (int minute = 0; minute < most_minutes && !program.wait_until(is_done); ++minute) continue;
  ASSERT_EQ(program.exit_code(), 0) << errors();
  std::cout << "resident KiB " << early.resident_kib << " (steps 1,000 to 3,000), " << late.resident_kib
            << " (8,000 to 10,000); open files " << early.descriptors << ", " << late.descriptors << "\n";
  EXPECT_GT(early.resident_kib, 0);
  EXPECT_LE(late.resident_kib, early.resident_kib + early.resident_kib / 50);
  EXPECT_LE(late.descriptors, early.descriptors);
}

}  // namespace iddpm::test
