#include "fuzz/fuzz_input.h"
#include "iddpm/io/pytorch_checkpoint.h"
#include "iddpm/io/zip_writer.h"

// The pickle of a checkpoint in the zip format, beside two storages.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  return fuzz::reads_or_refuses([&] {
    const std::filesystem::path path = fuzz::file_of("", "input.pt");
    const std::string storage(64, 1);
    const auto bytes_of = [](std::string_view text) { return std::as_bytes(std::span(text)); };
    ZipWriter zip(path);
    zip.add("archive/data.pkl", {bytes_of(fuzz::text_of({data, size}))});
    zip.add("archive/data/0", {bytes_of(storage)});
    zip.add("archive/data/1", {bytes_of(storage)});
    zip.commit();
    (void)read_pytorch_checkpoint(path);
  });
}
