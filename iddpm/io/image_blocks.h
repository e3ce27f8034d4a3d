#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

/// The parts of an image file in memory that hold what else is known of the picture. Everything is held against the
/// bytes there are.
namespace iddpm {

using ByteSpan = std::span<const std::uint8_t>;

bool begins_with(ByteSpan bytes, std::string_view text);

/// The number of `count` bytes at `offset`, or 0 beyond the end.
std::uint64_t number_at(ByteSpan bytes, std::uint64_t offset, std::size_t count, bool big_endian);

/// As many of `count` bytes at `offset` as there are.
ByteSpan part_of(ByteSpan bytes, std::uint64_t offset, std::uint64_t count);

bool is_jpeg(ByteSpan file);
bool is_png(ByteSpan file);
bool is_webp(ByteSpan file);

/// Of a JPEG: what the segments of a marker hold that begin with `name`, without it, in their order.
std::vector<ByteSpan> jpeg_segments(ByteSpan file, std::uint8_t marker, std::string_view name);

/// Of a PNG or WebP: what the first chunk of a type holds; empty if there is none.
ByteSpan png_chunk(ByteSpan file, std::string_view type);
ByteSpan webp_chunk(ByteSpan file, std::string_view type);

/// An entry of the first directory of a TIFF structure (BigTIFF too).
struct TiffEntry {
  std::uint64_t count = 0;
  std::uint64_t value = 0;  ///< the value if it is a number of 16 bits
  std::uint64_t place = 0;  ///< where its bytes are, if it is more than fits into the entry
};
/// 0 of all if there is no such tag.
TiffEntry tiff_entry(ByteSpan tiff, std::uint64_t tag);

}  // namespace iddpm
