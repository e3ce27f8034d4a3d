#include "iddpm/evaluation/nearest_images.h"

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"
#include "iddpm/evaluation/dataset_images.h"

namespace iddpm {
namespace {

// Root mean squared differences of all pairs, [N, M] float64: a [N, ...], b [M, ...] uint8.
Tensor pixel_distances(const Tensor& a, const Tensor& b) {
  constexpr std::int64_t from_differences = 2;  // of at::cdist: no matrix products
  const Tensor flat_a = a.flatten(1).to(at::kFloat), flat_b = b.flatten(1).to(at::kFloat);
  const double pixels = static_cast<double>(flat_a.size(1));
  return at::cdist(flat_a, flat_b, 2.0, from_differences).to(at::kDouble) / std::sqrt(pixels);
}

void keep_nearest(std::vector<NearImage>& kept, NearImage found, std::int64_t neighbours) {
  const auto nearer = [](const NearImage& a, const NearImage& b) { return a.distance < b.distance; };
  kept.insert(std::upper_bound(kept.begin(), kept.end(), found, nearer), found);
  if (static_cast<std::int64_t>(kept.size()) > neighbours) kept.pop_back();
}

}  // namespace

std::vector<std::vector<NearImage>> nearest_images(const Tensor& images, const Dataset& dataset,
                                                   const NearestImagesOptions& options,
                                                   std::vector<std::string>& skipped,
                                                   const ProgressCallback& progress) {
  const std::vector<std::int64_t> shape = dataset.image_shape();
  require(images.dim() == 4 && images.scalar_type() == at::kByte && images.sizes().slice(1) == at::IntArrayRef(shape),
          "nearest images: expected images of bytes, [N, {}], got {}", fmt::join(shape, ", "),
          format_shape(images.sizes()));
  require(options.neighbours >= 1, "nearest images: expected at least 1 neighbour, got {}", options.neighbours);
  const auto count = static_cast<std::size_t>(images.size(0));
  require(options.left_out.empty() || options.left_out.size() == count,
          "nearest images: expected one place to leave out for each of {} images, got {}", count,
          options.left_out.size());
  std::vector<std::vector<NearImage>> nearest(count);
  const std::vector<std::int64_t> indices = evenly_spread(dataset.size(), options.count);
  std::int64_t done = 0;
  for_each_batch(dataset, indices, options.batch, skipped, [&](const DatasetImages& batch) {
    Tensor distances = pixel_distances(images, batch.pixels);
    if (options.mirrored) distances = at::minimum(distances, pixel_distances(images.flip({3}), batch.pixels));
    const auto values = distances.accessor<double, 2>();
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t j = 0; j < batch.indices.size(); ++j) {
        if (!options.left_out.empty() && batch.indices[j] == options.left_out[i]) continue;
        keep_nearest(
            nearest[i],
            {.index = batch.indices[j], .distance = values[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(j)]},
            options.neighbours);
      }
    }
    done += static_cast<std::int64_t>(batch.indices.size());
    if (progress) progress(done, static_cast<std::int64_t>(indices.size()));
  });
  return nearest;
}

}  // namespace iddpm
