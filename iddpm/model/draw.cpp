#include "iddpm/model/draw.h"

#include <algorithm>
#include <limits>

#include "iddpm/core/error.h"
#include "iddpm/diffusion/respacing.h"
#include "iddpm/model/low_resolution.h"
#include "iddpm/model/request_denoiser.h"
#include "iddpm/model/request_start.h"
#include "iddpm/samplers/registry.h"

namespace iddpm {
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

std::int64_t classes_drawn(const DrawRequest& request, const ModelSettings& settings) {
  const auto named = static_cast<std::int64_t>(request.classes.classes.size());
  return named > 0 ? named : settings.network.classes;
}

void check_classes(const DrawRequest& request, const ModelSettings& settings) {
  const std::int64_t classes = settings.network.classes;
  for (const std::int64_t label : request.classes.classes) {
    require(classes > 0, "drawing: class {} was asked for, but this model has no classes (it is unconditional)", label);
    require(label >= 0 && label < classes, "drawing: expected classes of 0 to {}, got {}", classes - 1, label);
  }
  if (request.classes.order == ClassOrder::in_turn) return;
  require(classes > 0, "drawing: images in blocks of a class were asked for, but this model has no classes");
  require(request.count % classes_drawn(request, settings) == 0,
          "drawing: {} images can't be parted into blocks of {} classes", request.count,
          classes_drawn(request, settings));
}

void check_numbers(const DrawRequest& request) {
  require(request.count >= 1, "drawing: expected at least 1 image, got {}", request.count);
  require(request.already_drawn >= 0 && request.already_drawn <= request.count,
          "drawing: expected 0 to {} images already drawn, got {}", request.count, request.already_drawn);
  require(request.first <= std::numeric_limits<std::uint64_t>::max() - static_cast<std::uint64_t>(request.count - 1),
          "drawing: {} images from number {} on would leave the range of numbers", request.count, request.first);
  require(request.batch >= 1, "drawing: expected batches of at least 1 image, got {}", request.batch);
}

void check_low_resolution(const Model& model, const Tensor& images) {
  const UNetOptions& network = model.settings().network;
  require(images.defined() == network.super_resolution, "drawing: '{}' {}", model.path().string(),
          network.super_resolution ? "enlarges images; expected some to enlarge, got none"
                                   : "enlarges no images; expected none to enlarge");
  if (!images.defined()) return;
  const std::vector<std::int64_t> shape = low_resolution_shape(network);
  require(images.dim() == 4 && images.size(0) > 0 && images.sizes().slice(1) == at::IntArrayRef(shape) &&
              images.scalar_type() == at::kFloat,
          "drawing: expected float32 images {} to enlarge, got {}", format_shape(shape), format_shape(images.sizes()));
}

// The model told what a batch of the request enlarges.
Model told_what_to_enlarge(const Model& model, const DrawRequest& request, std::int64_t position, std::int64_t size) {
  if (!request.low_resolution.defined()) return model;
  const std::uint64_t first = request.first + static_cast<std::uint64_t>(position);
  std::vector<RandomStream> streams;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(size); ++i) {
    streams.emplace_back(request.seed, StreamPurpose::low_resolution, first + i);
  }
  return model.enlarging(with_low_resolution_noise(images_in_turn(request.low_resolution, first, size),
                                                   model.settings().network, std::move(streams)));
}

}  // namespace

std::string default_steps(const std::string& sampler, std::int64_t steps) {
  const SamplerEntry& entry = find_sampler(sampler);
  return fmt::format("{}{}", entry.usual_spacing, std::min(entry.usual_steps, steps));
}

std::vector<std::int64_t> labels_of(const DrawRequest& request, const ModelSettings& settings, std::int64_t position,
                                    std::int64_t size) {
  if (settings.network.classes == 0) return {};
  const std::vector<std::int64_t>& named = request.classes.classes;
  const std::int64_t classes = classes_drawn(request, settings);
  std::vector<std::int64_t> labels;
  for (std::int64_t k = position; k < position + size; ++k) {
    const std::int64_t which =
        request.classes.order == ClassOrder::in_turn ? k % classes : k / (request.count / classes);
    labels.push_back(named.empty() ? which : named[static_cast<std::size_t>(which)]);
  }
  return labels;
}

std::vector<std::int64_t> drawn_timesteps(const Model& model, const DrawRequest& request) {
  const ModelSettings& settings = model.settings();
  check_low_resolution(model, request.low_resolution);
  (void)make_sampler(request.sampler, request.sampler_options);  // refuses what it doesn't know
  check_numbers(request);
  check_classes(request, settings);
  const ReverseProcess whole = model.reverse_process();
  std::vector<std::int64_t> timesteps = request.timesteps;
  if (timesteps.empty()) {
    timesteps =
        respaced_timesteps(whole.q().schedule(), request.steps.value_or(default_steps(request.sampler, whole.steps())));
  }
  (void)respaced_schedule(whole.q().schedule(), timesteps);  // refuses timesteps that don't ascend within the process
  const std::vector<std::int64_t> looked_at = timesteps_of_start(model, request, timesteps);
  check_guidance(request.guidance, model, respaced_schedule(whole.q().schedule(), looked_at));
  return looked_at;
}

void draw(const Model& model, const DrawRequest& request, const std::function<void(const DrawnBatch&)>& on_batch,
          const ProgressCallback& progress, const std::function<void(const DrawingStep&)>& on_step) {
  const at::NoGradGuard no_gradient;
  const ReverseProcess process = model.reverse_process().respaced(drawn_timesteps(model, request));
  const RequestStart start(model, request, process);
  std::int64_t size = 0, turn = 0;
  for (std::int64_t position = request.already_drawn; position < request.count; position += size) {
    size = std::min(request.batch, request.count - position);
    if (turn++ % request.turns.of != request.turns.turn) continue;
    DrawnBatch batch{.position = position,
                     .first_number = request.first + static_cast<std::uint64_t>(position),
                     .labels = labels_of(request, model.settings(), position, size)};
    const Tensor y = batch.labels.empty() ? Tensor() : at::tensor(batch.labels, at::kLong);
    Denoiser denoiser = request_denoiser(told_what_to_enlarge(model, request, position, size), process, request, y);
    auto steps = start.sampler(position, size)->watch(process.q(), std::move(denoiser), start.noise(position, size));
    Tensor x;
    FiniteWatch watch(steps.steps(), size, model.device());
    const std::int64_t finished = position - request.already_drawn;
    for (const SamplingState& state : steps) {
      x = state.x;
      watch.look(state);
      if (on_step) {
        on_step({.position = position, .step = state.step, .steps = steps.steps(), .x = state.x, .x_0 = state.x_0});
      }
      if (progress) {
        progress(finished * steps.steps() + size * state.step, (request.count - request.already_drawn) * steps.steps());
      }
    }
    watch.require_all(process.timestep_map());
    batch.images = x.to(at::kCPU, at::kFloat).contiguous();
    on_batch(batch);
  }
}

Tensor draw_at_once(const Model& model, const DrawRequest& request, const ProgressCallback& progress) {
  std::vector<Tensor> images;
  draw(
      model, request, [&](const DrawnBatch& batch) { images.push_back(batch.images); }, progress);
  require(!images.empty(), "drawing: expected images that aren't drawn already, got none");
  return at::cat(images);
}

}  // namespace iddpm
