#include "iddpm/io/colour_profile.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace iddpm {

namespace {

// Profiles as the ICC's specification (ICC.1:2022, ISO 15076-1) lays them out: a header, a table of tags, their data.

using namespace std::string_view_literals;
using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t largest_profile = std::size_t{1} << 22;
constexpr std::size_t longest_name = 60;

Bytes inflated(ByteSpan packed) {
  Bytes bytes;
  z_stream stream = {};
  if (inflateInit(&stream) != Z_OK) return bytes;
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(std::min(packed.size(), largest_profile));
  Bytes piece(1 << 16);
  int state = Z_OK;
  while (state == Z_OK && bytes.size() < largest_profile) {
    stream.next_out = piece.data();
    stream.avail_out = static_cast<uInt>(piece.size());
    state = inflate(&stream, Z_NO_FLUSH);
    bytes.insert(bytes.end(), piece.begin(), piece.end() - static_cast<std::ptrdiff_t>(stream.avail_out));
  }
  inflateEnd(&stream);
  return bytes;
}

Bytes copy_of(ByteSpan bytes) { return {bytes.begin(), bytes.end()}; }

Bytes icc_profile(ByteSpan file) {
  if (is_jpeg(file)) {
    // Each segment's number and their count stand before its part; all programs write them in order.
    Bytes profile;
    for (const ByteSpan segment : jpeg_segments(file, 0xE2, "ICC_PROFILE\0"sv)) {
      const ByteSpan part = part_of(segment, 2, segment.size());
      if (profile.size() + part.size() > largest_profile) break;
      profile.insert(profile.end(), part.begin(), part.end());
    }
    return profile;
  }
  if (is_png(file)) {
    const ByteSpan chunk = png_chunk(file, "iCCP"sv);  // a name, a zero, the method, the packed profile
    const auto end_of_name = std::find(chunk.begin(), chunk.end(), std::uint8_t{0});
    const auto begin = static_cast<std::uint64_t>(end_of_name - chunk.begin()) + 2;
    return inflated(part_of(chunk, begin, chunk.size()));
  }
  if (is_webp(file)) return copy_of(webp_chunk(file, "ICCP"sv));
  const TiffEntry entry = tiff_entry(file, 34675);
  return copy_of(part_of(file, entry.place, std::min<std::uint64_t>(entry.count, largest_profile)));
}

ByteSpan tag_of(ByteSpan profile, std::string_view tag) {
  const std::uint64_t tags = std::min<std::uint64_t>(number_at(profile, 128, 4, true), profile.size() / 12);
  for (std::uint64_t i = 0; i < tags; ++i) {
    const std::uint64_t entry = 132 + 12 * i;
    if (!begins_with(part_of(profile, entry, 4), tag)) continue;
    return part_of(profile, number_at(profile, entry + 4, 4, true), number_at(profile, entry + 8, 4, true));
  }
  return {};
}

double fixed_point(ByteSpan bytes, std::uint64_t offset) {  // s15Fixed16Number
  return static_cast<std::int32_t>(number_at(bytes, offset, 4, true)) / 65536.0;
}

/// Of a profile's description: the printable ASCII of it, which every version has in one way or another.
std::string name_of(ByteSpan profile) {
  const ByteSpan text = tag_of(profile, "desc"sv);
  std::string name;
  if (begins_with(text, "desc"sv)) {
    for (const std::uint8_t c : part_of(text, 12, number_at(text, 8, 4, true))) {
      if (c >= 0x20 && c < 0x7F && name.size() < longest_name) name += static_cast<char>(c);
    }
  } else if (begins_with(text, "mluc"sv)) {  // the first language, UTF-16
    const ByteSpan words = part_of(text, number_at(text, 24, 4, true), number_at(text, 20, 4, true));
    for (std::uint64_t i = 0; i + 1 < words.size() && name.size() < longest_name; i += 2) {
      const std::uint64_t c = number_at(words, i, 2, true);
      if (c >= 0x20 && c < 0x7F) name += static_cast<char>(c);
    }
  }
  return name;
}

/// How bright half the largest value is, 0 .. 1; nothing for curves of kinds that aren't looked at.
std::optional<double> middle_of(ByteSpan curve) {
  if (begins_with(curve, "curv"sv)) {
    const std::uint64_t count = number_at(curve, 8, 4, true);
    if (count == 0) return 0.5;
    if (count == 1) return std::pow(0.5, static_cast<double>(number_at(curve, 12, 2, true)) / 256.0);
    return static_cast<double>(number_at(curve, 12 + count / 2 * 2, 2, true)) / 65535.0;
  }
  if (!begins_with(curve, "para"sv)) return std::nullopt;
  const std::uint64_t kind = number_at(curve, 8, 2, true);
  const double gamma = fixed_point(curve, 12);
  if (kind == 0) return std::pow(0.5, gamma);
  if (kind == 3) return std::pow(fixed_point(curve, 16) * 0.5 + fixed_point(curve, 20), gamma);
  return std::nullopt;
}

bool has_middle_of_srgb(ByteSpan curve) {
  const std::optional<double> middle = middle_of(curve);
  return !middle || std::abs(*middle - 0.2140) < 0.03;
}

/// By its primaries, adapted to D50 as in every profile of IEC 61966-2-1, and half-way up its curve.
bool means_srgb(ByteSpan profile) {
  constexpr double primaries[3][3] = {{0.4360, 0.2225, 0.0139}, {0.3851, 0.7169, 0.0971}, {0.1431, 0.0606, 0.7141}};
  constexpr std::string_view tags[3] = {"rXYZ"sv, "gXYZ"sv, "bXYZ"sv};
  for (std::size_t colour = 0; colour < 3; ++colour) {
    const ByteSpan primary = tag_of(profile, tags[colour]);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      if (std::abs(fixed_point(primary, 8 + 4 * axis) - primaries[colour][axis]) > 0.005) return false;
    }
  }
  return has_middle_of_srgb(tag_of(profile, "rTRC"sv));
}

}  // namespace

std::string foreign_colour_profile(ByteSpan file) {
  const Bytes profile = icc_profile(file);
  if (profile.size() < 132) return {};
  const ByteSpan space = part_of(profile, 16, 4);
  const std::string name = name_of(profile);
  const bool called_srgb = name.find("sRGB") != std::string::npos;
  if (begins_with(space, "RGB "sv) && (called_srgb || means_srgb(profile))) return {};
  if (begins_with(space, "GRAY"sv) && has_middle_of_srgb(tag_of(profile, "kTRC"sv))) return {};
  if (!name.empty()) return name;
  return begins_with(space, "CMYK"sv) ? "a CMYK profile" : "a profile without a name";
}

}  // namespace iddpm
