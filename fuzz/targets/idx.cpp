#include "fuzz/fuzz_input.h"
#include "iddpm/data/dataset.h"

// The first byte says whether the rest is a file of images, or one of labels beside three images. Packed or not is told
// by the contents.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  if (size == 0) return 0;
  const std::string_view file = fuzz::text_of({data, size}).substr(1);
  const bool are_images = data[0] % 2 == 0;
  const std::string_view images("\0\0\x8\3\0\0\0\3\0\0\0\1\0\0\0\2pixels", 22);
  const auto path = fuzz::file_of(are_images ? file : images, "idx/train-images-idx3-ubyte");
  (void)fuzz::file_of(are_images ? std::string_view() : file, "idx/train-labels-idx1-ubyte");
  return fuzz::reads_or_refuses([&] {
    const auto dataset = open_idx(path, {.labels = are_images ? LabelSource::none : LabelSource::automatic});
    (void)dataset->image(dataset->size() - 1);
    (void)dataset->label(dataset->size() - 1);
  });
}
