#include "iddpm/data/batch_pixels.h"

#include <array>
#include <cstddef>

#include "iddpm/core/error.h"
#include "iddpm/data/vanished_data.h"

namespace iddpm {

namespace {

std::array<float, 256> make_scaled_bytes() {
  std::array<float, 256> table;
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(i) / 127.5F - 1.0F;
  return table;
}

/// pixel / 127.5 - 1 in float32.
const std::array<float, 256>& scaled_bytes() {
  static const std::array<float, 256> table = make_scaled_bytes();
  return table;
}

}  // namespace

Batch empty_batch(const Dataset& dataset, std::int64_t count) {
  std::vector<std::int64_t> shape = dataset.image_shape();
  shape.insert(shape.begin(), count);
  Batch batch;
  batch.x_0 = at::empty(shape, at::kFloat);
  if (!dataset.class_names().empty()) batch.y = at::empty({count}, at::kLong);
  return batch;
}

void set_image(Batch& batch, std::int64_t row, const Dataset& dataset, std::int64_t index, bool mirrored) {
  const Tensor image = dataset.image(index).contiguous();
  require(image.scalar_type() == at::kByte && image.sizes() == batch.x_0.sizes().slice(1),
          "{}: expected a uint8 image of shape {}, got {} {}", dataset.image_name(index),
          format_shape(batch.x_0.sizes().slice(1)), at::toString(image.scalar_type()), format_shape(image.sizes()));
  // By hand: LibTorch's own conversion may start a team of threads beside the one that trains.
  const std::uint8_t* source = image.data_ptr<std::uint8_t>();
  float* target = batch.x_0.data_ptr<float>() + row * image.numel();
  const std::array<float, 256>& scaled = scaled_bytes();
  const std::int64_t width = image.size(2);
  const std::int64_t rows = image.size(0) * image.size(1);
  for (std::int64_t y = 0; y < rows; ++y, source += width, target += width) {
    for (std::int64_t x = 0; x < width; ++x) target[x] = scaled[source[mirrored ? width - 1 - x : x]];
  }
  if (batch.y.defined()) batch.y.data_ptr<std::int64_t>()[row] = dataset.label(index);
}

Batch read_batch(const Dataset& dataset, std::int64_t first, std::int64_t count, std::vector<std::string>* skipped) {
  require(first >= 0 && count >= 0 && first <= dataset.size() && count <= dataset.size() - first,
          "read_batch: expected images within 0 to {}, got {} from {}", dataset.size(), count, first);
  Batch batch = empty_batch(dataset, count);
  batch.first_example = first;
  std::int64_t good = 0;
  for (std::int64_t index = first; index < first + count; ++index) {
    try {
      set_image(batch, good, dataset, index, false);
      ++good;
    } catch (const VanishedData&) {
      throw;
    } catch (const Error&) {
      if (skipped == nullptr) throw;
      skipped->push_back(dataset.image_name(index));
    }
  }
  if (good < count) {
    batch.x_0 = batch.x_0.narrow(0, 0, good).clone();
    if (batch.y.defined()) batch.y = batch.y.narrow(0, 0, good).clone();
  }
  return batch;
}

}  // namespace iddpm
