#include "iddpm/io/image_blocks.h"

#include <algorithm>
#include <cstddef>

namespace iddpm {

using namespace std::string_view_literals;

bool begins_with(ByteSpan bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::equal(text.begin(), text.end(), bytes.begin(), [](char a, std::uint8_t b) {
           return static_cast<std::uint8_t>(a) == b;
         });
}

std::uint64_t number_at(ByteSpan bytes, std::uint64_t offset, std::size_t count, bool big_endian) {
  if (offset > bytes.size() || count > bytes.size() - offset) return 0;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = value << 8 | bytes[static_cast<std::size_t>(offset) + (big_endian ? i : count - 1 - i)];
  }
  return value;
}

ByteSpan part_of(ByteSpan bytes, std::uint64_t offset, std::uint64_t count) {
  if (offset >= bytes.size()) return {};
  return bytes.subspan(static_cast<std::size_t>(offset),
                       static_cast<std::size_t>(std::min<std::uint64_t>(count, bytes.size() - offset)));
}

bool is_jpeg(ByteSpan file) { return begins_with(file, "\xff\xd8"sv); }
bool is_png(ByteSpan file) { return begins_with(file, "\x89PNG"sv); }
bool is_webp(ByteSpan file) { return begins_with(file, "RIFF"sv); }

std::vector<ByteSpan> jpeg_segments(ByteSpan file, std::uint8_t wanted, std::string_view name) {
  std::vector<ByteSpan> found;
  std::uint64_t position = 2;
  while (position + 4 <= file.size() && file[position] == 0xFF) {
    const std::uint8_t marker = file[position + 1];
    if (marker == 0xFF) {  // a fill byte
      ++position;
      continue;
    }
    if (marker == 0xDA || marker == 0xD9) break;  // pixels, or the end
    const std::uint64_t length = std::max<std::uint64_t>(number_at(file, position + 2, 2, true), 2);
    const ByteSpan segment = part_of(file, position + 4, length - 2);
    if (marker == wanted && begins_with(segment, name)) found.push_back(segment.subspan(name.size()));
    position += 2 + length;
  }
  return found;
}

ByteSpan png_chunk(ByteSpan file, std::string_view type) {
  for (std::uint64_t position = 8; position + 8 <= file.size();) {
    const std::uint64_t length = number_at(file, position, 4, true);
    if (begins_with(part_of(file, position + 4, 4), type)) return part_of(file, position + 8, length);
    position += 12 + length;
  }
  return {};
}

ByteSpan webp_chunk(ByteSpan file, std::string_view type) {
  for (std::uint64_t position = 12; position + 8 <= file.size();) {
    const std::uint64_t length = number_at(file, position + 4, 4, false);
    if (begins_with(part_of(file, position, 4), type)) return part_of(file, position + 8, length);
    position += 8 + length + length % 2;
  }
  return {};
}

TiffEntry tiff_entry(ByteSpan tiff, std::uint64_t tag) {
  const bool big_endian = begins_with(tiff, "MM"sv);
  if (!big_endian && !begins_with(tiff, "II"sv)) return {};
  const std::uint64_t version = number_at(tiff, 2, 2, big_endian);
  if (version != 42 && version != 43) return {};
  const bool wide = version == 43;  // BigTIFF has wider fields
  const std::size_t width = wide ? 8 : 4;
  const std::uint64_t directory = number_at(tiff, wide ? 8 : 4, width, big_endian);
  const std::uint64_t entry_size = wide ? 20 : 12;
  if (directory > tiff.size()) return {};
  const std::uint64_t claimed = number_at(tiff, directory, wide ? 8 : 2, big_endian);
  const std::uint64_t entries = std::min<std::uint64_t>(claimed, tiff.size() / entry_size);
  for (std::uint64_t i = 0; i < entries; ++i) {
    const std::uint64_t entry = directory + (wide ? 8 : 2) + i * entry_size;
    if (number_at(tiff, entry, 2, big_endian) != tag) continue;
    return {.count = number_at(tiff, entry + 4, width, big_endian),
            .value = number_at(tiff, entry + 4 + width, 2, big_endian),
            .place = number_at(tiff, entry + 4 + width, width, big_endian)};
  }
  return {};
}

}  // namespace iddpm
