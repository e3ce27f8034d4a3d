#include "fuzz/fuzz_input.h"
#include "iddpm/model/checkpoint_format.h"

// The description of a model file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  return fuzz::reads_or_refuses([&] {
    const auto [info, checksums] = checkpoint_format::read_metadata(std::string(fuzz::text_of({data, size})), "input");
    const std::string again = checkpoint_format::write_metadata(info, checksums);
    (void)checkpoint_format::read_metadata(again, "written again");
  });
}
