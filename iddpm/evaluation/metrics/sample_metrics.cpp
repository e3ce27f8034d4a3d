#include "iddpm/evaluation/metrics/sample_metrics.h"

#include <algorithm>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/evaluation/metrics/kernel_distance.h"
#include "iddpm/evaluation/metrics/nearest_neighbours.h"
#include "iddpm/version.h"

namespace iddpm {
namespace {

PairwiseOptions pairwise(const SampleMetricsOptions& options, std::string_view stage) {
  PairwiseOptions pairs{.block = options.block};
  if (options.progress) {
    pairs.progress = [&options, stage](std::int64_t done, std::int64_t total) { options.progress(stage, done, total); };
  }
  return pairs;
}

// All of precision, recall, density and coverage, for every k, from one look at the pairs.
std::vector<ManifoldMetrics> compare_manifolds(const Tensor& real, const Tensor& fake,
                                               const SampleMetricsOptions& options) {
  std::vector<std::int64_t> ks = options.neighbours;
  std::erase_if(ks, [&](std::int64_t k) { return k >= std::min(real.size(0), fake.size(0)); });
  if (ks.empty()) return {};
  const Tensor real_radii = squared_neighbour_radii(real, ks, pairwise(options, "neighbours of real images"));
  const Tensor fake_radii = squared_neighbour_radii(fake, ks, pairwise(options, "neighbours of samples"));
  std::vector<PrecisionRecallCounter> manifolds;
  std::vector<DensityCoverageCounter> balls;
  for (std::size_t i = 0; i < ks.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    manifolds.emplace_back(real_radii[row], fake_radii[row]);
    balls.emplace_back(real_radii[row], fake.size(0), ks[i]);
  }
  for_each_distance_block(real, fake, real_radii, fake_radii, pairwise(options, "distances to real images"),
                          [&](std::int64_t row, std::int64_t column, const Tensor& squared) {
                            for (auto& counter : manifolds) counter.add(row, column, squared);
                            for (auto& counter : balls) counter.add(row, column, squared);
                          });
  std::vector<ManifoldMetrics> metrics;
  for (std::size_t i = 0; i < ks.size(); ++i) {
    metrics.push_back({.k = ks[i], .manifold = manifolds[i].result(), .balls = balls[i].result()});
  }
  return metrics;
}

}  // namespace

SampleMetrics evaluate_samples(const FeatureSet& real, const FeatureSet& fake, const SampleMetricsOptions& options) {
  require(real.space.sha256 == fake.space.sha256 && real.space.dimensions == fake.space.dimensions,
          "evaluation: expected features of one network for both sets, got {} (SHA-256 {}) for {} and {} (SHA-256 {}) "
          "for {}",
          real.space.network, real.space.sha256, real.images.source, fake.space.network, fake.space.sha256,
          fake.images.source);
  for (const std::int64_t k : options.neighbours) {
    require(k >= 1, "evaluation: expected a k of nearest neighbours of at least 1, got {}", k);
  }
  require(options.images_per_split >= 1, "evaluation: expected at least 1 image per split, got {}",
          options.images_per_split);
  SampleMetrics metrics;
  metrics.frechet_distance = frechet_distance(real.pooled, fake.pooled);
  if (real.spatial && fake.spatial) metrics.spatial_frechet_distance = frechet_distance(*real.spatial, *fake.spatial);
  if (fake.probabilities.defined()) {
    const std::int64_t splits = std::max<std::int64_t>(fake.probabilities.size(0) / options.images_per_split, 1);
    metrics.inception_score = inception_score(fake.probabilities, splits);
  }
  if (real.features.defined() && fake.features.defined()) {
    metrics.kernel_distance = kernel_distance(real.features, fake.features, pairwise(options, "kernel distance"));
    metrics.neighbours = compare_manifolds(real.features, fake.features, options);
  }
  return metrics;
}

Protocol sample_protocol(const FeatureSet& real, const FeatureSet& fake, const SampleMetrics& metrics,
                         std::optional<ModelRecord> model) {
  Protocol protocol{.measurement = Measurement::sample_quality,
                    .images = fake.images,
                    .reference = real.images,
                    .features = fake.space,
                    .score_splits = metrics.inception_score ? metrics.inception_score->splits : 0,
                    .model = std::move(model),
                    .software = fmt::format("iddpm {}", version)};
  for (const ManifoldMetrics& neighbours : metrics.neighbours) protocol.neighbours.push_back(neighbours.k);
  return protocol;
}

void to_json(nlohmann::json& json, const SampleMetrics& metrics) {
  json = {{"frechet_distance", metrics.frechet_distance}};
  if (metrics.spatial_frechet_distance) json["spatial_frechet_distance"] = *metrics.spatial_frechet_distance;
  if (metrics.kernel_distance) json["kernel_distance"] = *metrics.kernel_distance;
  if (metrics.inception_score) {
    json["class_score"] = metrics.inception_score->mean;
    json["class_score_deviation"] = metrics.inception_score->standard_deviation;
    json["class_score_splits"] = metrics.inception_score->splits;
  }
  json["neighbours"] = nlohmann::json::array();
  for (const auto& [k, manifold, balls] : metrics.neighbours) {
    json["neighbours"].push_back({{"k", k},
                                  {"precision", manifold.precision},
                                  {"recall", manifold.recall},
                                  {"density", balls.density},
                                  {"coverage", balls.coverage}});
  }
}

std::string format_table(const SampleMetrics& metrics, const FeatureSpace& space) {
  const auto line = [](std::string_view name, double value) { return fmt::format("{:<28}{:.6g}\n", name, value); };
  std::string text;
  if (!space.is_fid) {
    text +=
        fmt::format("In features of {} (SHA-256 {}), not those of FID:\n", space.network, space.sha256.substr(0, 12));
  }
  text += line(space.is_fid ? "FID" : "Frechet distance", metrics.frechet_distance);
  if (metrics.spatial_frechet_distance) {
    text += line(space.is_fid ? "sFID" : "spatial Frechet distance", *metrics.spatial_frechet_distance);
  }
  if (metrics.kernel_distance) text += line(space.is_fid ? "KID" : "kernel distance", *metrics.kernel_distance);
  if (metrics.inception_score) {
    text += fmt::format("{:<28}{:.6g}", space.is_fid ? "Inception score" : "classifier score",
                        metrics.inception_score->mean);
    if (metrics.inception_score->splits > 1) {
      text += fmt::format(" +- {:.2g}", metrics.inception_score->standard_deviation);
    }
    text += "\n";
  }
  for (const auto& [k, manifold, balls] : metrics.neighbours) {
    text += line(fmt::format("precision (k = {})", k), manifold.precision);
    text += line(fmt::format("recall (k = {})", k), manifold.recall);
    text += line(fmt::format("density (k = {})", k), balls.density);
    text += line(fmt::format("coverage (k = {})", k), balls.coverage);
  }
  return text;
}

}  // namespace iddpm
