#include "iddpm/evaluation/metrics/reference_statistics.h"

#include "fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  return fuzz::reads_or_refuses([&] {
    (void)load_reference_statistics(fuzz::file_of(fuzz::text_of({data, size}), "input.safetensors"));
  });
}
