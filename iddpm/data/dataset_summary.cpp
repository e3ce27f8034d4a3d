#include "iddpm/data/dataset_summary.h"

#include <span>

#include "iddpm/core/error.h"
#include "iddpm/data/fnv.h"

namespace iddpm {

namespace {

constexpr const char* second_kind = "2:";

void add_image(Fnv1a& hash, const Dataset& dataset, std::int64_t index) {
  try {
    const Tensor image = dataset.image(index).contiguous();
    hash.add(std::span(image.data_ptr<std::uint8_t>(), static_cast<std::size_t>(image.numel())));
  } catch (const Error&) {
    hash.add(std::int64_t{-1});
  }
}

Fnv1a hash_of_images_and_labels(const Dataset& dataset) {
  Fnv1a hash;
  const std::int64_t size = dataset.size();
  hash.add(size);
  for (const std::int64_t extent : dataset.image_shape()) hash.add(extent);
  for (const std::string& name : dataset.class_names()) hash.add(name);
  if (!dataset.class_names().empty()) {
    for (std::int64_t i = 0; i < size; ++i) hash.add(dataset.label(i));
  }
  if (size > 0) {
    for (const std::int64_t index : {std::int64_t{0}, size / 2, size - 1}) add_image(hash, dataset, index);
  }
  return hash;
}

std::string fingerprint_of(const Dataset& dataset) {
  Fnv1a hash = hash_of_images_and_labels(dataset);
  hash.add(static_cast<std::int64_t>(dataset.contents_hash()));
  return fmt::format("{}{:016x}", second_kind, hash.value());
}

}  // namespace

DatasetSummary dataset_summary(const Dataset& dataset, const std::filesystem::path& path) {
  return {path.string(), dataset.size(), dataset.image_shape(), dataset.class_names(), fingerprint_of(dataset)};
}

bool has_fingerprint(const Dataset& dataset, const std::string& recorded) {
  if (recorded.starts_with(second_kind)) return recorded == fingerprint_of(dataset);
  return recorded == fmt::format("{:016x}", hash_of_images_and_labels(dataset).value());
}

}  // namespace iddpm
