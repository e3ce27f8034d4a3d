#include "iddpm/io/safetensors.h"

#include "fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  return fuzz::reads_or_refuses([&] {
    const SafetensorsFile file(fuzz::file_of(fuzz::text_of({data, size}), "input.safetensors"));
    for (const std::string& name : file.names()) {
      const Tensor tensor = file.tensor(name);
      fuzz::demand(tensor.sizes() == file.shape(name) && tensor.nbytes() <= size, "a tensor is what the file holds");
    }
  });
}
