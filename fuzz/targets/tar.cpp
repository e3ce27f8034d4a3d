#include <cstdio>

#include "fuzz/fuzz_input.h"
#include "iddpm/data/dataset.h"

namespace {

// Headers whose checksums are right, so that what follows them is looked at.
std::string with_right_header_checksums(std::string tar) {
  constexpr std::size_t block = 512, size_field = 124, checksum_field = 148, checksum_length = 8;
  for (std::size_t begin = 0; begin + block <= tar.size();) {
    for (std::size_t i = 0; i < checksum_length; ++i) tar[begin + checksum_field + i] = ' ';
    unsigned sum = 0;
    for (std::size_t i = 0; i < block; ++i) sum += static_cast<unsigned char>(tar[begin + i]);
    if (sum == checksum_length * ' ') break;  // a block of zeros: the end
    std::snprintf(tar.data() + begin + checksum_field, checksum_length, "%06o", sum);
    const std::size_t contents = std::strtoull(tar.substr(begin + size_field, 11).c_str(), nullptr, 8);
    if (contents > tar.size()) break;
    begin += block + (contents + block - 1) / block * block;
  }
  return tar;
}

}  // namespace

// A shard of images with labels beside them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  const std::string tar = with_right_header_checksums(std::string(fuzz::text_of({data, size})));
  return fuzz::reads_or_refuses([&] {
    const auto dataset = open_archives(fuzz::file_of(tar, "input.tar"));
    (void)dataset->image(dataset->size() - 1);
    (void)dataset->label(0);
  });
}
