#include "iddpm/model/trajectory_table.h"

#include "fuzz/fuzz_input.h"

// The other table of timesteps.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  return fuzz::reads_or_refuses([&] {
    const TrajectoryTable table =
        load_trajectory_table(fuzz::file_of(fuzz::text_of({data, size}), "input.safetensors"));
    (void)table.best_timesteps(1);
  });
}
