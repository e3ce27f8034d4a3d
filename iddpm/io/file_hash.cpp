#include "iddpm/io/file_hash.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"

namespace iddpm {
namespace {

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using ContextPointer = std::unique_ptr<EVP_MD_CTX, ContextDeleter>;

void check(int result) { require(result == 1, ErrorKind::unsupported, "OpenSSL can't compute SHA-256"); }

}  // namespace

struct Sha256::State {
  ContextPointer context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  check(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr));
}

Sha256::~Sha256() = default;

void Sha256::add(std::span<const std::byte> bytes) {
  check(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()));
}

void Sha256::add(const Tensor& values) {
  const Tensor contiguous = values.detach().to(at::kCPU).contiguous();
  add({static_cast<const std::byte*>(contiguous.data_ptr()), contiguous.nbytes()});
}

std::string Sha256::hex() const {
  // Finishing ends a digest: a copy is finished.
  const ContextPointer finished(EVP_MD_CTX_new());
  check(EVP_MD_CTX_copy_ex(finished.get(), state_->context.get()));
  std::array<std::uint8_t, 32> digest;
  check(EVP_DigestFinal_ex(finished.get(), digest.data(), nullptr));
  std::string text;
  for (const std::uint8_t byte : digest) text += fmt::format("{:02x}", byte);
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
