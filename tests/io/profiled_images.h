#pragma once

#include <zlib.h>

#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "iddpm/io/image_file.h"
#include "tests/io/image_samples.h"

/// Images with colour profiles.
namespace iddpm {

using Primaries = std::array<std::array<double, 3>, 3>;

// Adapted to D50: IEC 61966-2-1, and SMPTE RP 431-2 with the white of D65.
inline constexpr Primaries srgb = {{{0.4360, 0.2225, 0.0139}, {0.3851, 0.7169, 0.0971}, {0.1431, 0.0606, 0.7141}}};
inline constexpr Primaries display_p3 = {
    {{0.5151, 0.2412, -0.0011}, {0.2920, 0.6922, 0.0419}, {0.1571, 0.0666, 0.7841}}};

inline std::string most_significant_first(std::int64_t value, int bytes = 4) {
  std::string text;
  for (int i = bytes; i-- > 0;) text += static_cast<char>(value >> (8 * i));
  return text;
}

inline std::string as_utf16(const std::string& text) {
  std::string words;
  for (const char c : text) words += {'\0', c};
  return words;
}

inline std::string profile_description(const std::string& name, bool version_4) {
  if (!version_4)
    return "desc" + most_significant_first(0) + most_significant_first(static_cast<std::int64_t>(name.size()) + 1) +
           name + '\0';
  return "mluc" + most_significant_first(0) + most_significant_first(1) + most_significant_first(12) + "enUS" +
         most_significant_first(2 * static_cast<std::int64_t>(name.size())) + most_significant_first(28) +
         as_utf16(name);
}

inline std::string icc_profile(const std::string& space, const std::string& name, const Primaries& primaries,
                               double gamma = 2.2, bool version_4 = false) {
  std::vector<std::pair<std::string, std::string>> tags = {{"desc", profile_description(name, version_4)}};
  constexpr const char* names[] = {"rXYZ", "gXYZ", "bXYZ"};
  for (std::size_t c = 0; c < 3; ++c) {
    std::string xyz = "XYZ " + most_significant_first(0);
    for (const double value : primaries[c]) xyz += most_significant_first(std::lround(value * 65536));
    tags.emplace_back(names[c], xyz);
  }
  const std::string curve = "curv" + most_significant_first(0) + most_significant_first(1) +
                            most_significant_first(std::lround(gamma * 256), 2);
  for (const char* tag : {"rTRC", "kTRC"}) tags.emplace_back(tag, curve);
  std::string table = most_significant_first(static_cast<std::int64_t>(tags.size())), data;
  const std::size_t begin = 132 + 12 * tags.size();
  for (const auto& [tag, contents] : tags) {
    table += tag + most_significant_first(static_cast<std::int64_t>(begin + data.size())) +
             most_significant_first(static_cast<std::int64_t>(contents.size()));
    data += contents;
  }
  return std::string(16, '\0') + space + std::string(108, '\0') + table + data;
}

inline std::string in_jpeg(const std::string& profile) {
  std::string file = jpeg_bytes(gradient(8, 8, 3));
  // In two parts, as large profiles are kept.
  const std::size_t half = profile.size() / 2;
  std::string segments;
  for (const auto& [number, part] : {std::pair(1, profile.substr(0, half)), std::pair(2, profile.substr(half))}) {
    const std::string body = std::string("ICC_PROFILE\0", 12) + static_cast<char>(number) + '\2' + part;
    segments += "\xff\xe2" + most_significant_first(static_cast<std::int64_t>(body.size()) + 2, 2) + body;
  }
  return file.insert(2, segments);
}

inline std::string in_png(const std::string& profile) {
  uLongf size = compressBound(profile.size());
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(profile.data()),
           profile.size());
  packed.resize(size);
  const std::string body = "iCCP" + std::string("name\0\0", 6) + packed;
  const auto checksum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  std::string file = encode_png({.width = 8, .height = 8, .channels = 3, .pixels = std::vector<std::uint8_t>(192, 99)});
  return file.insert(33, most_significant_first(static_cast<std::int64_t>(body.size()) - 4) + body +
                             most_significant_first(static_cast<std::int64_t>(checksum)));
}

inline std::string in_webp(const std::string& profile) {
  std::string size = most_significant_first(static_cast<std::int64_t>(profile.size()));
  return webp_bytes(gradient(8, 8, 3), true) + "ICCP" + std::string(size.rbegin(), size.rend()) + profile;
}

inline std::string in_tiff(const std::string& profile) {
  const std::string entry = most_significant_first(34675, 2) + most_significant_first(7, 2) +
                            most_significant_first(static_cast<std::int64_t>(profile.size())) +
                            most_significant_first(26);
  return std::string("MM\0*", 4) + most_significant_first(8) + most_significant_first(1, 2) + entry +
         most_significant_first(0) + profile;
}

}  // namespace iddpm
