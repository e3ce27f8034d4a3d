#include "fuzz/fuzz_input.h"
#include "iddpm/data/dataset.h"

// An archive of images with labels beside them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  return fuzz::reads_or_refuses([&] {
    const auto dataset = open_archives(fuzz::file_of(fuzz::text_of({data, size}), "input.zip"));
    (void)dataset->image(dataset->size() - 1);
    (void)dataset->label(0);
  });
}
