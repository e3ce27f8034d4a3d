#include "iddpm/io/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace iddpm {

namespace {

constexpr std::uint32_t first_private = 0xF700;

/// Bytes of the character at the beginning, or 0 if it isn't one. RFC 3629, section 4.
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto continues = [&](std::size_t i, unsigned least = 0x80, unsigned most = 0xBF) {
    return byte(i) >= least && byte(i) <= most;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    return continues(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF) && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool whole =
        continues(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF) && continues(2) && continues(3);
    return whole ? 4 : 0;
  }
  return 0;
}

/// The byte that a character of the private range stands for, or -1.
int private_byte(std::string_view character) {
  if (character.size() != 3) return -1;
  const auto bits = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(character[i])); };
  const std::uint32_t code = (bits(0) & 0x0F) << 12 | (bits(1) & 0x3F) << 6 | (bits(2) & 0x3F);
  return code >= first_private && code < first_private + 256 ? static_cast<int>(code - first_private) : -1;
}

std::string private_character(unsigned char byte) {
  const std::uint32_t code = first_private + byte;
  return {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
          static_cast<char>(0x80 | (code & 0x3F))};
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t size = character_size(bytes);
    if (size == 0) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

std::string utf8_text(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const std::size_t size = character_size(bytes);
    // A character of the private range is taken apart too, or it would come back as another byte.
    const bool keep = size > 0 && private_byte(bytes.substr(0, size)) < 0;
    const std::size_t taken = size == 0 ? 1 : size;
    for (std::size_t i = 0; i < taken; ++i) {
      text += keep ? std::string(1, bytes[i]) : private_character(static_cast<unsigned char>(bytes[i]));
    }
    bytes.remove_prefix(taken);
  }
  return text;
}

std::string utf8_bytes(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const std::size_t size = std::max<std::size_t>(character_size(text), 1);
    const int byte = private_byte(text.substr(0, size));
    if (byte >= 0) {
      bytes += static_cast<char>(byte);
    } else {
      bytes += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return bytes;
}

}  // namespace iddpm
