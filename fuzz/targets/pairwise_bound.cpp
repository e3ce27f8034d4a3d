#include "fuzz/fuzz_input.h"
#include "iddpm/evaluation/likelihood/pairwise_bound_file.h"

// The table of timesteps that `respace` makes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  return fuzz::reads_or_refuses([&] {
    const PairwiseBound bound = load_pairwise_bound(fuzz::file_of(fuzz::text_of({data, size}), "input.safetensors"));
    fuzz::demand(!bound.timesteps.empty(), "a table has timesteps");
  });
}
