#include "cli/nearest_samples.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/evaluation/dataset_images.h"
#include "iddpm/evaluation/nearest_images.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/pixels.h"
#include "iddpm/model/draw.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/report/image_grid.h"
#include "iddpm/training/training_state.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t shown_samples = 8;
constexpr std::int64_t shown_neighbours = 3;
constexpr std::int64_t most_images_searched = 100'000;

// The distances that training images have to their own nearest ones: what is usual.
double median_among_training_images(const Dataset& dataset, const NearestImagesOptions& options) {
  constexpr std::int64_t looked_at = 32;
  std::vector<std::string> skipped;
  std::vector<double> distances;
  for_each_batch(dataset, evenly_spread(dataset.size(), looked_at), looked_at, skipped, [&](const DatasetImages& some) {
    NearestImagesOptions others = options;
    others.neighbours = 1;
    others.left_out = some.indices;
    for (const auto& nearest : nearest_images(some.pixels, dataset, others, skipped)) {
      if (!nearest.empty()) distances.push_back(nearest.front().distance);
    }
  });
  require(!distances.empty(), "nearest images: there is only one training image");
  std::nth_element(distances.begin(), distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2),
                   distances.end());
  return distances[distances.size() / 2];
}

Image picture_of(const Tensor& samples, const Dataset& dataset, const std::vector<std::vector<NearImage>>& nearest) {
  const std::size_t rows = nearest.front().size();
  std::vector<Tensor> images = {samples};
  std::vector<std::string> labels = {"samples"};
  for (std::size_t k = 0; k < rows; ++k) {
    std::vector<Tensor> row;
    for (const auto& of_sample : nearest) row.push_back(dataset.image(of_sample[k].index));
    images.push_back(at::stack(row));
    labels.push_back(k == 0 ? "nearest" : "");
  }
  std::vector<std::string> captions;
  for (const auto& of_sample : nearest) captions.push_back(fmt::format("{:.1f}", of_sample.front().distance));
  return image_grid(from_pixels(at::cat(images)), {.columns = samples.size(0),
                                                   .upscale = comfortable_upscale(samples.size(2), samples.size(3)),
                                                   .row_labels = labels,
                                                   .column_captions = captions});
}

std::string caption_of(const nlohmann::json& record) {
  return fmt::format(
      "Samples of step {} (above) and the training images nearest to them, with the distance to the nearest: the root "
      "mean squared difference of their pixels, of 0 to 255. Training images are {:.1f} from their own nearest one in "
      "the median; a sample much nearer than that is a copy. {} of {} training images were searched{}.",
      record.at("step").get<std::int64_t>(), record.at("median_among_training_images").get<double>(),
      record.at("images_searched").get<std::int64_t>(), record.at("images").get<std::int64_t>(),
      record.at("mirrored").get<bool>() ? ", their mirror images too" : "");
}

// What was found before, if it is of this checkpoint.
std::optional<NearestSamples> kept_in(const fs::path& folder, std::int64_t step) {
  if (!fs::exists(folder / "nearest.json") || !fs::exists(folder / "grid.png")) return std::nullopt;
  try {
    const auto record = parse_json(read_file(folder / "nearest.json"), (folder / "nearest.json").string());
    if (record.at("step").get<std::int64_t>() != step) return std::nullopt;
    NearestSamples kept;
    kept.picture = read_image(folder / "grid.png");
    kept.caption = caption_of(record);
    return kept;
  } catch (const std::exception&) {
    return std::nullopt;  // found again
  }
}

NearestSamples find_nearest(const fs::path& folder, const fs::path& checkpoint, const Model& model,
                            const Dataset& dataset) {
  const Tensor samples = to_pixels(draw_at_once(model, {.count = shown_samples, .batch = shown_samples}));
  NearestImagesOptions options{.neighbours = std::min(shown_neighbours, dataset.size() - 1),
                               .count = std::min(dataset.size(), most_images_searched)};
  options.mirrored = read_training_state(Checkpoint(checkpoint)).options.random_flip;
  require(options.neighbours >= 1, "nearest images: there is only one training image");
  std::vector<std::string> skipped;
  const auto nearest = nearest_images(samples, dataset, options, skipped);
  nlohmann::json distances = nlohmann::json::array(), images = nlohmann::json::array();
  for (const auto& of_sample : nearest) {
    distances.push_back(of_sample.front().distance);
    images.push_back(of_sample.front().index);
  }
  const nlohmann::json record = {{"step", model.info().step},
                                 {"distances", distances},
                                 {"nearest_images", images},
                                 {"median_among_training_images", median_among_training_images(dataset, options)},
                                 {"images_searched", options.count - static_cast<std::int64_t>(skipped.size())},
                                 {"images", dataset.size()},
                                 {"mirrored", options.mirrored}};
  NearestSamples found{.picture = picture_of(samples, dataset, nearest), .caption = caption_of(record)};
  fs::create_directories(folder);
  write_png(folder / "grid.png", found.picture);
  write_file_atomically(folder / "nearest.json", record.dump(1) + "\n");
  return found;
}

}  // namespace

std::optional<NearestSamples> nearest_samples(const fs::path& run_folder, const Dataset& dataset, bool may_draw) {
  const fs::path folder = run_folder / "samples" / "nearest";
  const fs::path checkpoint = find_resumable_checkpoint(run_folder);
  const CheckpointInfo info = Checkpoint(checkpoint).info();
  if (info.settings.network.super_resolution) return std::nullopt;
  if (auto kept = kept_in(folder, info.step)) return kept;
  if (!may_draw) return std::nullopt;
  return find_nearest(folder, checkpoint, Model::open(checkpoint), dataset);
}

}  // namespace iddpm::cli
