#include "iddpm/data/dataset_summary.h"

#include <cstddef>
#include <span>

#include "iddpm/core/error.h"

namespace iddpm {

namespace {

/// The 64-bit hash of Fowler, Noll and Vo (FNV-1a).
class Fnv1a {
 public:
  void add(std::span<const std::uint8_t> bytes) {
    for (const std::uint8_t byte : bytes) hash_ = (hash_ ^ byte) * 0x100000001b3;
  }

  void add(std::int64_t number) {
    for (int shift = 0; shift < 64; shift += 8) {
      const auto byte = static_cast<std::uint8_t>(static_cast<std::uint64_t>(number) >> shift);
      add(std::span(&byte, 1));
    }
  }

  void add(const std::string& text) {
    add(static_cast<std::int64_t>(text.size()));
    add(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }

  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

void add_image(Fnv1a& hash, const Dataset& dataset, std::int64_t index) {
  try {
    const Tensor image = dataset.image(index).contiguous();
    hash.add(std::span(image.data_ptr<std::uint8_t>(), static_cast<std::size_t>(image.numel())));
  } catch (const Error&) {
    hash.add(std::int64_t{-1});
  }
}

}  // namespace

DatasetSummary dataset_summary(const Dataset& dataset, const std::filesystem::path& path) {
  DatasetSummary summary = {path.string(), dataset.size(), dataset.image_shape(), dataset.class_names(), {}};
  Fnv1a hash;
  hash.add(summary.size);
  for (const std::int64_t extent : summary.image_shape) hash.add(extent);
  for (const std::string& name : summary.class_names) hash.add(name);
  if (!summary.class_names.empty()) {
    for (std::int64_t i = 0; i < summary.size; ++i) hash.add(dataset.label(i));
  }
  if (summary.size > 0) {
    for (const std::int64_t index : {std::int64_t{0}, summary.size / 2, summary.size - 1}) {
      add_image(hash, dataset, index);
    }
  }
  summary.fingerprint = fmt::format("{:016x}", hash.value());
  return summary;
}

}  // namespace iddpm
