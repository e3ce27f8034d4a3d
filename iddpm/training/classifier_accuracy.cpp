#include "iddpm/training/classifier_accuracy.h"

#include <algorithm>

#include "iddpm/core/random_stream.h"
#include "iddpm/data/batch_loader.h"
#include "iddpm/data/batch_pixels.h"
#include "iddpm/diffusion/noise_level.h"

namespace iddpm {
namespace {

constexpr std::int64_t most_levels = 8;
constexpr std::int64_t images_per_pass = 128;

}  // namespace

ClassifierAccuracy measure_accuracy(const TrainedClassifier& classifier, const Dataset& dataset, std::uint64_t seed,
                                    std::vector<std::string>& skipped, const ProgressCallback& progress) {
  const at::NoGradGuard no_gradients;
  const ReverseProcess process = reverse_process(classifier.info().diffusion);
  const NoiseSchedule& schedule = process.q().schedule();
  const at::Device device = classifier.network().device();
  const std::int64_t levels = std::min(most_levels, process.steps());
  ClassifierAccuracy result;
  for (const std::int64_t t : respaced_timesteps(schedule, fmt::format("logsnr{}", levels))) {
    const NoiseLevel level = NoiseLevel::of_alpha_bar(schedule.alpha_bar[static_cast<std::size_t>(t)]);
    result.at_noise_levels.push_back({.t = t, .noise_level = level.ratio()});
  }
  for (std::int64_t first = 0; first < dataset.size(); first += images_per_pass) {
    const std::int64_t count = std::min(images_per_pass, dataset.size() - first);
    const Batch batch = read_batch(dataset, first, count, &skipped);
    const std::int64_t images = batch.x_0.size(0);
    if (images == 0) continue;
    std::vector<RandomStream> streams;
    for (std::int64_t i = 0; i < images; ++i) {
      streams.emplace_back(seed, StreamPurpose::evaluation, static_cast<std::uint64_t>(first + i));
    }
    const Tensor x_0 = batch.x_0.to(device);
    const Tensor noise = normal_per_image(streams, x_0.sizes().slice(1), device);
    for (NoiseLevelAccuracy& at_t : result.at_noise_levels) {
      const Timesteps t = Timesteps::repeated(at_t.t, images);
      const Tensor logits =
          classifier.network()(process.q().sample(x_0, t, noise), process.network_timesteps(t, device));
      at_t.accuracy += logits.argmax(1).cpu().eq(batch.y).sum().item<double>();
    }
    result.images += images;
    if (progress) progress(first + count, dataset.size());
  }
  for (NoiseLevelAccuracy& at_t : result.at_noise_levels) {
    at_t.accuracy /= static_cast<double>(std::max<std::int64_t>(result.images, 1));
  }
  return result;
}

}  // namespace iddpm
