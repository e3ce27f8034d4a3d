#include "iddpm/evaluation/metrics/nearest_neighbours.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

// For each image the others that may be its nearest: those with the smallest lower bounds of their distance.
class Candidates {
 public:
  Candidates(std::int64_t images, std::int64_t per_image, const at::TensorOptions& options)
      : bounds_(at::full({images, per_image}, std::numeric_limits<double>::infinity(), options.dtype(at::kDouble))),
        indices_(at::zeros({images, per_image}, options.dtype(at::kLong))) {}

  // bounds [rows, columns]: of the distances of images row .. to images column ..
  void offer(std::int64_t row, std::int64_t column, const Tensor& bounds) {
    const Tensor kept_bounds = bounds_.slice(0, row, row + bounds.size(0));
    const Tensor kept_indices = indices_.slice(0, row, row + bounds.size(0));
    const std::int64_t per_image = kept_bounds.size(1);
    const auto [best, places] =
        bounds.topk(std::min(per_image, bounds.size(1)), /*dim=*/1, /*largest=*/false, /*sorted=*/false);
    const Tensor all_bounds = at::cat({kept_bounds, best}, 1);
    const Tensor all_indices = at::cat({kept_indices, places + column}, 1);
    const auto [smallest, chosen] = all_bounds.topk(per_image, 1, false, false);
    kept_bounds.copy_(smallest);
    kept_indices.copy_(all_indices.gather(1, chosen));
  }

  // No image that is not a candidate is nearer than this, [N].
  Tensor nearest_other() const { return bounds_.amax(1); }
  const Tensor& indices() const { return indices_; }

 private:
  Tensor bounds_;
  Tensor indices_;
};

// The distances of one image to its nearest others, ascending, by looking at all of them.
Tensor exact_neighbours(const Tensor& features, std::int64_t image, std::int64_t count) {
  const std::int64_t n = features.size(0);
  const Tensor all = at::arange(n, features.options().dtype(at::kLong));
  const Tensor squared = exact_squared_distances(features, at::full_like(all, image), features, all);
  squared[image] = std::numeric_limits<double>::infinity();
  return std::get<0>(squared.topk(count, 0, /*largest=*/false));
}

}  // namespace

Tensor squared_neighbour_radii(const Tensor& features, std::span<const std::int64_t> k,
                               const PairwiseOptions& options) {
  const PairwiseDistances distances(features, features);
  const std::int64_t n = features.size(0);
  require(!k.empty(), "nearest neighbours: expected at least one k");
  for (const std::int64_t neighbours : k) {
    require(neighbours >= 1 && neighbours < n,
            "nearest neighbours: expected k between 1 and {}, one less than the images, got {}", n - 1, neighbours);
  }
  const std::int64_t most = *std::ranges::max_element(k);
  // A few more than asked for, since the distances that choose them are inexact.
  Candidates candidates(n, std::min(most + 8, n - 1), features.options());
  const std::int64_t blocks = block_count(n, options);
  std::int64_t done = 0;
  for (std::int64_t row = 0; row < n; row += options.block) {
    for (std::int64_t column = row; column < n; column += options.block) {
      const auto [squared, bound] = distances.block(row, column, options.block);
      const Tensor lower = squared - bound;
      if (column == row) {
        lower.fill_diagonal_(std::numeric_limits<double>::infinity());
        candidates.offer(row, column, lower);
      } else {
        candidates.offer(row, column, lower);
        candidates.offer(column, row, lower.t().contiguous());
      }
      if (options.progress) options.progress(++done, blocks * (blocks + 1) / 2);
    }
  }

  const Tensor& indices = candidates.indices();
  const Tensor rows = at::arange(n, indices.options()).unsqueeze(1).expand_as(indices);
  const Tensor exact = exact_squared_distances(distances.a(), rows.reshape({-1}), distances.a(), indices.reshape({-1}));
  Tensor nearest = std::get<0>(exact.view(indices.sizes()).topk(most, 1, /*largest=*/false));
  if (indices.size(1) < n - 1) {
    // Where others may be as near (many all but equal images), look at all.
    const Tensor farthest = nearest.select(1, most - 1);
    const Tensor unsure = at::nonzero((farthest > candidates.nearest_other()) & (farthest > 0.0)).squeeze(1).cpu();
    for (std::int64_t i = 0; i < unsure.size(0); ++i) {
      const std::int64_t image = unsure[i].item<std::int64_t>();
      nearest[image].copy_(exact_neighbours(distances.a(), image, most));
    }
  }
  std::vector<Tensor> radii;
  for (const std::int64_t neighbours : k) radii.push_back(nearest.select(1, neighbours - 1));
  return at::stack(radii);
}

}  // namespace iddpm
