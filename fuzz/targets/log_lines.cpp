#include "iddpm/training/run/log_lines.h"

#include "fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  return fuzz::reads_or_refuses([&] {
    const auto path = fuzz::file_of(fuzz::text_of({data, size}), "run/log.jsonl");
    std::vector<std::string> skipped;
    for (const LogLine& line : read_log_lines(path, &skipped)) {
      fuzz::demand(line.end <= size, "a line ends within the log");
      (void)log_line(line.step);
    }
  });
}
