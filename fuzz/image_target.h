#pragma once

#include <string>

#include "fuzz/fuzz_input.h"
#include "iddpm/io/colour_profile.h"
#include "iddpm/io/exif_orientation.h"
#include "iddpm/io/image_codecs.h"

namespace iddpm::fuzz {

/// Reads the header and the pixels of an image, and what else is known of it. Both must tell the same size.
template <typename ReadHeader, typename Decode>
int read_image_input(std::string_view bytes, ReadHeader read_header, Decode decode) {
  constexpr std::int64_t pixel_limit = 1 << 20;
  const std::string name = "input";
  const EncodedImage file = {{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, name, pixel_limit};
  (void)foreign_colour_profile(file.bytes);
  ImageHeader header;
  reads_or_refuses([&] { header = read_header(file); });
  return reads_or_refuses([&] {
    const Image image = decode(file);
    demand(image.pixels.size() == static_cast<std::size_t>(image.width * image.height * image.channels),
           "an image has as many bytes as its size says");
    demand(image.width == header.width && image.height == header.height, "header and image are of one size");
    (void)oriented(image, exif_orientation(file.bytes));
  });
}

}  // namespace iddpm::fuzz
