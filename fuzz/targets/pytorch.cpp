#include "fuzz/fuzz_input.h"
#include "iddpm/io/pytorch_checkpoint.h"

// Both formats, told apart by how they begin.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  return fuzz::reads_or_refuses([&] {
    (void)read_pytorch_checkpoint(fuzz::file_of(fuzz::text_of({data, size}), "input.pt"));
  });
}
