#include "iddpm/io/npz.h"

#include "fuzz/fuzz_input.h"
#include "iddpm/data/dataset.h"
#include "iddpm/io/mapped_npz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  const std::filesystem::path path = fuzz::file_of(fuzz::text_of({data, size}), "input.npz");
  fuzz::reads_or_refuses([&] { (void)list_npz(path); });
  fuzz::reads_or_refuses([&] { (void)read_npz(path); });
  fuzz::reads_or_refuses([&] {
    const auto mapped = map_npz_array(path, "images");
    if (mapped) (void)mapped->sum();
  });
  return fuzz::reads_or_refuses([&] { (void)open_npz_dataset(path)->image(0); });
}
