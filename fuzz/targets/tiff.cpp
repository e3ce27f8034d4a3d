#include "fuzz/image_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  return fuzz::read_image_input(fuzz::text_of({data, size}), tiff_header, decode_tiff);
}
