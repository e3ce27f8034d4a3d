#include "fuzz/fuzz_input.h"
#include "iddpm/data/dataset.h"
#include "iddpm/io/npy_header.h"
#include "iddpm/io/npz.h"
#include "iddpm/io/zip_writer.h"

// One array of an archive, with right checksums; the first byte says whether of images, or of labels beside images.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  if (size == 0) return 0;
  const std::string_view array = fuzz::text_of({data, size}).substr(1);
  const bool are_images = data[0] % 2 == 0;
  const std::string images = npy_header(at::kByte, {3, 2, 2, 1}, "images") + "pixels of 3!";
  const auto bytes_of = [](std::string_view text) { return std::as_bytes(std::span(text)); };
  const std::filesystem::path path = fuzz::file_of("", "input.npz");
  return fuzz::reads_or_refuses([&] {
    ZipWriter zip(path);
    zip.add("images.npy", {bytes_of(are_images ? array : images)});
    if (!are_images) zip.add("labels.npy", {bytes_of(array)});
    zip.commit();
    (void)list_npz(path);
    fuzz::reads_or_refuses([&] { (void)read_npz(path); });
    const auto dataset = open_npz_dataset(path);
    (void)dataset->image(dataset->size() - 1);
    (void)dataset->label(0);
  });
}
