#include "iddpm/evaluation/dataset_images.h"

#include "iddpm/core/error.h"
#include "iddpm/data/vanished_data.h"

namespace iddpm {

std::vector<std::int64_t> evenly_spread(std::int64_t size, std::int64_t count) {
  require(count >= 0, "evaluation: expected a number of images of at least 0 (all of them), got {}", count);
  if (count == 0 || count > size) count = size;
  std::vector<std::int64_t> numbers;
  // size / count * i, rounded down, without leaving 64 bits.
  for (std::int64_t i = 0; i < count; ++i) numbers.push_back(size / count * i + size % count * i / count);
  return numbers;
}

void for_each_batch(const Dataset& dataset, const std::vector<std::int64_t>& indices, std::int64_t batch,
                    std::vector<std::string>& skipped, const std::function<void(const DatasetImages&)>& visit) {
  require(batch >= 1, "evaluation: expected batches of at least 1 image, got {}", batch);
  const bool classes = !dataset.class_names().empty();
  DatasetImages images;
  std::vector<Tensor> pixels;
  std::vector<std::int64_t> labels;
  bool any = false;
  const auto flush = [&] {
    if (pixels.empty()) return;
    images.pixels = at::stack(pixels);
    images.y = classes ? at::tensor(labels, at::kLong) : Tensor();
    visit(images);
    any = true;
    images = {};
    pixels.clear();
    labels.clear();
  };
  for (const std::int64_t index : indices) {
    try {
      pixels.push_back(dataset.image(index));
    } catch (const VanishedData&) {
      throw;
    } catch (const Error&) {
      skipped.push_back(dataset.image_name(index));
      continue;
    }
    images.indices.push_back(index);
    labels.push_back(dataset.label(index));
    if (static_cast<std::int64_t>(pixels.size()) == batch) flush();
  }
  flush();
  require(any, "evaluation: expected at least one image, but all {} are broken or there are none", indices.size());
}

}  // namespace iddpm
