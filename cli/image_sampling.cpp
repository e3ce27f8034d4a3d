#include "cli/image_sampling.h"

#include <algorithm>
#include <numeric>

#include "iddpm/core/error.h"
#include "iddpm/report/image_grid.h"
#include "iddpm/samplers/registry.h"

namespace iddpm::cli {
namespace {

/// Looks after every step whether the images are finite, and says of the first step after which one wasn't. Nothing
/// waits for the device before the end. What it remembers is allocated at once: small tensors kept from step to step
/// break up the heap between the large ones (4.7 GB after 650 images 28x28 were seen).
class FiniteWatch {
 public:
  FiniteWatch(std::int64_t steps, std::int64_t images, at::Device device)
      : finite_(at::ones({steps, images}, at::TensorOptions().dtype(at::kBool).device(device))) {}

  void look(const SamplingState& state) {
    finite_[state.step - 1].copy_(at::isfinite(state.x).flatten(1).all(1));
    timesteps_.push_back(state.t);
  }
  // `original` are the timesteps of the whole process.
  void require_all(const std::vector<std::int64_t>& original) const {
    const Tensor finite = finite_.to(at::kCPU);
    const Tensor broken_images = finite.all(0).logical_not();
    const auto broken = broken_images.sum().item<std::int64_t>();
    if (broken == 0) return;
    std::size_t step = 0;
    while (finite[static_cast<std::int64_t>(step)].all().item<bool>()) ++step;
    throw NotFiniteError(fmt::format(
        "{} of {} images are no longer finite, the first after step {} of {} (t = {}): the model is broken, or its "
        "training was; they are not written",
        broken, broken_images.numel(), step + 1, timesteps_.size(),
        original[static_cast<std::size_t>(timesteps_[step])]));
  }

 private:
  Tensor finite_;  // [steps, N]
  std::vector<std::int64_t> timesteps_;
};

}  // namespace

Tensor sample_images(const UNet& network, const ModelSettings& settings, const SamplingRequest& request,
                     const std::function<bool(double)>& progress) {
  const at::NoGradGuard no_gradient;
  const auto& options = network.options();
  const std::vector<std::int64_t> shape = {options.image_channels, options.image_height, options.image_width};
  const auto sampler = make_sampler(request.sampler, request.sampler_options);
  // Respaced once, so that a bad specification is refused before the work begins.
  const ReverseProcess whole = reverse_process(settings.diffusion);
  auto timesteps = request.timesteps.empty() ? respaced_timesteps(whole.steps(), request.steps) : request.timesteps;
  if (request.start) timesteps = timesteps_from(*request.start, whole.q().schedule(), timesteps);
  const ReverseProcess process = whole.respaced(timesteps);
  const auto count = static_cast<std::int64_t>(request.image_numbers.size());
  std::vector<Tensor> finished;
  for (std::int64_t first = 0; first < count; first += request.batch) {
    const std::int64_t size = std::min(request.batch, count - first);
    std::vector<RandomStream> streams;
    for (std::int64_t i = first; i < first + size; ++i) {
      streams.emplace_back(request.seed, StreamPurpose::sampling, request.image_numbers[static_cast<std::size_t>(i)]);
    }
    Condition condition;
    if (!request.labels.empty()) {
      condition.y =
          at::tensor(at::ArrayRef<std::int64_t>(request.labels).slice(first, size), at::kLong).to(network.device());
    }
    NoiseSource noise = noise_from_streams(std::move(streams), shape, network.device());
    if (request.start) noise = noise_from(*request.start, process.q().schedule().alpha_bar.back(), std::move(noise));
    auto steps = sampler->watch(process.q(), process.denoiser(conditioned(network, condition)), std::move(noise));
    Tensor x;
    FiniteWatch watch(steps.steps(), size, network.device());
    for (const SamplingState& state : steps) {
      x = state.x;
      watch.look(state);
      const double fraction_of_batch = static_cast<double>(state.step) / static_cast<double>(steps.steps());
      const double done =
          (static_cast<double>(first) + static_cast<double>(size) * fraction_of_batch) / static_cast<double>(count);
      if (progress && !progress(done)) return finished.empty() ? Tensor() : at::cat(finished);
    }
    watch.require_all(process.timestep_map());
    finished.push_back(x.to(at::kCPU, at::kFloat).contiguous());
  }
  return at::cat(finished);
}

std::vector<std::uint64_t> image_numbers(std::uint64_t first, std::int64_t count) {
  std::vector<std::uint64_t> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), first);
  return numbers;
}

std::vector<std::int64_t> labels_by_row(const ModelSettings& settings, std::int64_t columns) {
  std::vector<std::int64_t> labels;
  for (std::int64_t label = 0; label < settings.network.classes; ++label) {
    labels.insert(labels.end(), static_cast<std::size_t>(columns), label);
  }
  return labels;
}

Image sample_grid(const Tensor& images, const ModelSettings& settings, bool by_class) {
  GridOptions options{.upscale = std::max<std::int64_t>(1, comfortable_upscale(images.size(2), images.size(3)))};
  const std::int64_t classes = settings.network.classes;
  if (by_class && classes > 0 && images.size(0) % classes == 0) {
    options.columns = images.size(0) / classes;
    for (std::int64_t label = 0; label < classes; ++label) {
      options.row_labels.push_back(settings.class_names.empty()
                                       ? fmt::format("{}", label)
                                       : settings.class_names[static_cast<std::size_t>(label)]);
    }
  }
  return image_grid(images, options);
}

}  // namespace iddpm::cli
