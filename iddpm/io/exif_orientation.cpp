#include "iddpm/io/exif_orientation.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace iddpm {

namespace {

using namespace std::string_view_literals;

using Bytes = std::span<const std::uint8_t>;

bool begins_with(Bytes bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::equal(text.begin(), text.end(), bytes.begin(), [](char a, std::uint8_t b) {
           return static_cast<std::uint8_t>(a) == b;
         });
}

/// The number of `count` bytes at `offset`, or 0 beyond the end.
std::uint64_t number_at(Bytes bytes, std::uint64_t offset, std::size_t count, bool big_endian) {
  if (offset > bytes.size() || count > bytes.size() - offset) return 0;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = value << 8 | bytes[static_cast<std::size_t>(offset) + (big_endian ? i : count - 1 - i)];
  }
  return value;
}

Bytes part(Bytes bytes, std::uint64_t offset, std::uint64_t count) {
  if (offset >= bytes.size()) return {};
  return bytes.subspan(static_cast<std::size_t>(offset),
                       static_cast<std::size_t>(std::min<std::uint64_t>(count, bytes.size() - offset)));
}

/// Of a TIFF structure: the orientation in its first directory. BigTIFF has wider fields.
int orientation_of_tiff(Bytes tiff) {
  constexpr std::uint64_t orientation_tag = 0x0112;
  const bool big_endian = begins_with(tiff, "MM"sv);
  if (!big_endian && !begins_with(tiff, "II"sv)) return 1;
  const std::uint64_t version = number_at(tiff, 2, 2, big_endian);
  if (version != 42 && version != 43) return 1;
  const bool wide = version == 43;
  const std::uint64_t directory = number_at(tiff, wide ? 8 : 4, wide ? 8 : 4, big_endian);
  const std::uint64_t entry_size = wide ? 20 : 12;
  const std::uint64_t first = directory + (wide ? 8 : 2);
  if (directory > tiff.size()) return 1;
  const std::uint64_t claimed = number_at(tiff, directory, wide ? 8 : 2, big_endian);
  const std::uint64_t entries = std::min<std::uint64_t>(claimed, tiff.size() / entry_size);
  for (std::uint64_t i = 0; i < entries; ++i) {
    const std::uint64_t entry = first + i * entry_size;
    if (number_at(tiff, entry, 2, big_endian) != orientation_tag) continue;
    const std::uint64_t value = number_at(tiff, entry + (wide ? 12 : 8), 2, big_endian);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

/// Of an EXIF block, which may begin with its name in JPEG, as some write it in WebP too.
int orientation_of_exif(Bytes exif) {
  constexpr std::string_view name = "Exif\0\0"sv;
  return orientation_of_tiff(begins_with(exif, name) ? exif.subspan(name.size()) : exif);
}

int orientation_of_jpeg(Bytes file) {
  std::uint64_t position = 2;
  while (position + 4 <= file.size() && file[position] == 0xFF) {
    const std::uint8_t marker = file[position + 1];
    if (marker == 0xFF) {  // a fill byte
      ++position;
      continue;
    }
    if (marker == 0xDA || marker == 0xD9) break;  // pixels, or the end
    const std::uint64_t length = number_at(file, position + 2, 2, true);
    const Bytes segment = part(file, position + 4, std::max<std::uint64_t>(length, 2) - 2);
    if (marker == 0xE1 && begins_with(segment, "Exif\0\0"sv)) return orientation_of_exif(segment);
    position += 2 + std::max<std::uint64_t>(length, 2);
  }
  return 1;
}

int orientation_of_png(Bytes file) {
  for (std::uint64_t position = 8; position + 8 <= file.size();) {
    const std::uint64_t length = number_at(file, position, 4, true);
    if (begins_with(part(file, position + 4, 4), "eXIf"sv))
      return orientation_of_tiff(part(file, position + 8, length));
    position += 12 + length;
  }
  return 1;
}

int orientation_of_webp(Bytes file) {
  for (std::uint64_t position = 12; position + 8 <= file.size();) {
    const std::uint64_t length = number_at(file, position + 4, 4, false);
    if (begins_with(part(file, position, 4), "EXIF"sv)) return orientation_of_exif(part(file, position + 8, length));
    position += 8 + length + length % 2;
  }
  return 1;
}

}  // namespace

int exif_orientation(std::span<const std::uint8_t> file) {
  if (begins_with(file, "\xff\xd8"sv)) return orientation_of_jpeg(file);
  if (begins_with(file, "\x89PNG"sv)) return orientation_of_png(file);
  if (begins_with(file, "RIFF"sv)) return orientation_of_webp(file);
  return orientation_of_tiff(file);
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
