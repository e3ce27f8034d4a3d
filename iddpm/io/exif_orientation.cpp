#include "iddpm/io/exif_orientation.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "iddpm/io/image_blocks.h"

namespace iddpm {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view exif_name = "Exif\0\0"sv;

/// The EXIF block of a file, a TIFF structure, as TIFF files are themselves.
ByteSpan exif_block(ByteSpan file) {
  if (is_jpeg(file)) {
    const std::vector<ByteSpan> segments = jpeg_segments(file, 0xE1, exif_name);
    return segments.empty() ? ByteSpan() : segments.front();
  }
  if (is_png(file)) return png_chunk(file, "eXIf"sv);
  if (!is_webp(file)) return file;
  const ByteSpan exif = webp_chunk(file, "EXIF"sv);
  return begins_with(exif, exif_name) ? exif.subspan(exif_name.size()) : exif;  // as some write it
}

}  // namespace

int exif_orientation(std::span<const std::uint8_t> file) {
  constexpr std::uint64_t orientation_tag = 0x0112;
  const std::uint64_t value = tiff_entry(exif_block(file), orientation_tag).value;
  return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
}

Image oriented(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool turned = swaps_sides(orientation);
  Image result = {turned ? image.height : image.width, turned ? image.width : image.height, image.channels, {}};
  result.pixels.resize(image.pixels.size());
  // After a swap of the axes (5 to 8), what is left of each orientation is to mirror.
  const bool mirrored_x = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  const bool mirrored_y = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const auto channels = static_cast<std::size_t>(image.channels);
  const std::uint8_t* source = image.pixels.data();
  for (std::int64_t y = 0; y < image.height; ++y) {
    for (std::int64_t x = 0; x < image.width; ++x, source += channels) {
      std::int64_t shown_x = turned ? y : x;
      std::int64_t shown_y = turned ? x : y;
      if (mirrored_x) shown_x = result.width - 1 - shown_x;
      if (mirrored_y) shown_y = result.height - 1 - shown_y;
      std::copy_n(source, channels,
                  result.pixels.data() + static_cast<std::size_t>(shown_y * result.width + shown_x) * channels);
    }
  }
  return result;
}

}  // namespace iddpm
