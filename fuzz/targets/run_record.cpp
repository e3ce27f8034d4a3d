#include "iddpm/training/run/run_record.h"

#include "fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  return fuzz::reads_or_refuses([&] {
    const auto path = fuzz::file_of(fuzz::text_of({data, size}), "run/run.json");
    save_run_record(path.parent_path(), load_run_record(path.parent_path()));
    (void)load_run_record(path.parent_path());
  });
}
