#include "iddpm/io/file_hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string_view>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"

namespace iddpm {
namespace {

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, section 4.2.2).
constexpr std::array<std::uint32_t, 64> round_constants = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2};

std::uint32_t big_endian_word(const std::byte* bytes) {
  std::uint32_t word = 0;
  for (int i = 0; i < 4; ++i) word = word << 8 | std::to_integer<std::uint32_t>(bytes[i]);
  return word;
}

}  // namespace

void Sha256::compress(const std::byte* block) {
  std::array<std::uint32_t, 64> w;
  for (std::size_t t = 0; t < 16; ++t) w[t] = big_endian_word(block + 4 * t);
  for (std::size_t t = 16; t < 64; ++t) {
    const std::uint32_t sigma_0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
    const std::uint32_t sigma_1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ w[t - 2] >> 10;
    w[t] = sigma_1 + w[t - 7] + sigma_0 + w[t - 16];
  }
  auto [a, b, c, d, e, f, g, h] = state_;
  for (std::size_t t = 0; t < 64; ++t) {
    const std::uint32_t sum_1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t temporary_1 = h + sum_1 + ((e & f) ^ (~e & g)) + round_constants[t] + w[t];
    const std::uint32_t sum_0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t temporary_2 = sum_0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + temporary_1;
    d = c, c = b, b = a, a = temporary_1 + temporary_2;
  }
  const std::array<std::uint32_t, 8> round = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) state_[i] += round[i];
}

void Sha256::add(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t used = length_ % buffer_.size();
    if (used == 0 && bytes.size() >= buffer_.size()) {
      compress(bytes.data());
      length_ += buffer_.size();
      bytes = bytes.subspan(buffer_.size());
      continue;
    }
    const std::size_t taken = std::min(buffer_.size() - used, bytes.size());
    std::copy_n(bytes.begin(), taken, buffer_.begin() + static_cast<std::ptrdiff_t>(used));
    length_ += taken;
    bytes = bytes.subspan(taken);
    if (used + taken == buffer_.size()) compress(buffer_.data());
  }
}

void Sha256::add(const Tensor& values) {
  const Tensor contiguous = values.detach().to(at::kCPU).contiguous();
  add({static_cast<const std::byte*>(contiguous.data_ptr()), contiguous.nbytes()});
}

std::string Sha256::hex() const {
  Sha256 finished = *this;
  std::vector<std::byte> padding(1 + (119 - length_ % 64) % 64 + 8);
  padding[0] = std::byte{0x80};
  for (std::size_t i = 0; i < 8; ++i) padding[padding.size() - 1 - i] = std::byte(length_ * 8 >> 8 * i);
  finished.add(padding);
  std::string text;
  for (const std::uint32_t word : finished.state_) text += fmt::format("{:08x}", word);
  return text;
}

std::string sha256(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.hex();
}

std::string sha256(std::string_view text) { return sha256(std::as_bytes(std::span(text))); }

std::string sha256_of_file(const std::filesystem::path& path) {
  const InputFile file(path);
  Sha256 hash;
  std::vector<std::byte> piece(std::size_t{1} << 20);
  for (std::uint64_t offset = 0; offset < file.size(); offset += piece.size()) {
    const std::span<std::byte> part(piece.data(), std::min<std::uint64_t>(piece.size(), file.size() - offset));
    file.read_at(offset, part);
    hash.add(part);
  }
  return hash.hex();
}

std::string sha256_of_tensors(const NamedTensors& tensors) {
  std::vector<const std::pair<std::string, Tensor>*> sorted;
  for (const auto& entry : tensors) sorted.push_back(&entry);
  std::ranges::sort(sorted, {}, [](const auto* entry) -> const std::string& { return entry->first; });
  Sha256 hash;
  for (const auto* entry : sorted) {
    const Tensor& values = entry->second;
    hash.add(std::as_bytes(std::span<const char>(
        fmt::format("{} {} {}\n", entry->first, at::toString(values.scalar_type()), format_shape(values.sizes())))));
    hash.add(values);
  }
  return hash.hex();
}

}  // namespace iddpm
