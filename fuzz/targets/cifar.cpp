#include <array>

#include "fuzz/fuzz_input.h"
#include "iddpm/data/dataset.h"

// The first byte says what the rest is: images under one of three names, filled up with zeros to whole ones unless it
// is odd, or the names of classes beside an image.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  if (size == 0) return 0;
  constexpr std::array<std::size_t, 4> record_bytes = {3073, 3074, 3073, 3073};
  constexpr std::array<const char*, 4> names = {"data_batch_1.bin", "train.bin", "some.bin", "data_batch_1.bin"};
  const std::size_t kind = data[0] / 2 % 4;
  std::string images(fuzz::text_of({data, size}).substr(1));
  const std::string class_names = kind == 3 ? std::exchange(images, std::string(3073, '\1')) : "";
  if (data[0] % 2 == 0) images.resize((images.size() / record_bytes[kind] + 1) * record_bytes[kind]);
  const auto path = fuzz::file_of(images, "cifar/" + std::string(names[kind]));
  const auto names_path = fuzz::file_of(class_names, "cifar/batches.meta.txt");
  if (kind != 3) std::filesystem::remove(names_path);
  return fuzz::reads_or_refuses([&] {
    const auto dataset = open_cifar(path);
    (void)dataset->image(dataset->size() - 1);
    (void)dataset->class_names().at(static_cast<std::size_t>(dataset->label(0)));
  });
}
