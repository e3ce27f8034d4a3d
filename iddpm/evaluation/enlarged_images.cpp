#include "iddpm/evaluation/enlarged_images.h"

#include "iddpm/core/random_stream.h"
#include "iddpm/io/pixels.h"
#include "iddpm/model/low_resolution.h"

namespace iddpm {

Model enlarging_its_images(const Model& model, const DatasetImages& images, std::uint64_t seed) {
  const UNetOptions& network = model.settings().network;
  if (!network.super_resolution) return model;
  std::vector<RandomStream> streams;
  for (const std::int64_t index : images.indices) {
    streams.emplace_back(seed, StreamPurpose::low_resolution, static_cast<std::uint64_t>(index));
  }
  const Tensor small = low_resolution_of(from_pixels(images.pixels.to(model.device())), network);
  return model.enlarging(shown_with_noise(small, network, low_resolution_noise(network), std::move(streams)));
}

void enlarge_images_of(const Dataset& dataset, const ModelSettings& settings, DrawRequest& request,
                       std::vector<std::string>& skipped) {
  constexpr std::int64_t batch = 64;
  std::vector<Tensor> small;
  request.classes = {};
  for_each_batch(dataset, evenly_spread(dataset.size(), request.count), batch, skipped,
                 [&](const DatasetImages& images) {
                   small.push_back(low_resolution_of(from_pixels(images.pixels), settings.network));
                   if (settings.network.classes == 0) return;
                   for (const std::int64_t index : images.indices) {
                     request.classes.classes.push_back(dataset.label(index));
                   }
                 });
  request.low_resolution = at::cat(small);
}

std::string enlarging_note(const UNetOptions& network, std::optional<double> noise) {
  if (!network.super_resolution) return "";
  const std::vector<std::int64_t> shape = low_resolution_shape(network);
  return fmt::format("given images of {} x {} with noise {}", shape[2], shape[1], low_resolution_noise(network, noise));
}

}  // namespace iddpm
