#include <zlib.h>

#include <algorithm>

#include "fuzz/image_target.h"

namespace {

// Chunks whose checksums are right, so that what they hold is looked at.
std::string with_right_checksums(std::string png) {
  constexpr std::size_t signature = 8, length_and_type = 8, checksum = 4;
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(png[i])); };
  for (std::size_t begin = signature; begin + length_and_type + checksum <= png.size();) {
    const std::size_t claimed = byte(begin) << 24 | byte(begin + 1) << 16 | byte(begin + 2) << 8 | byte(begin + 3);
    const std::size_t length = std::min(claimed, png.size() - begin - length_and_type - checksum);
    for (std::size_t i = 0; i < 4; ++i) png[begin + i] = static_cast<char>(length >> (24 - 8 * i));
    const std::size_t end = begin + length_and_type + length;
    const auto sum = crc32(0, reinterpret_cast<const Bytef*>(png.data() + begin + 4), static_cast<uInt>(4 + length));
    for (std::size_t i = 0; i < 4; ++i) png[end + i] = static_cast<char>(sum >> (24 - 8 * i));
    begin = end + checksum;
  }
  return png;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  const std::string_view input = fuzz::text_of({data, size});
  fuzz::read_image_input(input, png_header, decode_png);
  return fuzz::read_image_input(with_right_checksums(std::string(input)), png_header, decode_png);
}
