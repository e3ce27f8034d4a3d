#include "iddpm/training/gradient_noise_scale.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/core/random_stream.h"
#include "iddpm/data/batch_pixels.h"
#include "iddpm/training/gradient.h"

namespace iddpm {
namespace {

using Progress = std::function<void(std::int64_t done, std::int64_t all)>;

void check_range(const char* name, std::int64_t value, std::int64_t smallest, std::int64_t largest) {
  require(value >= smallest && value <= largest, "gradient noise scale: expected {} of {} to {}, got {}", name,
          smallest, largest, value);
}

void check(const SecondMomentOptions& options) {
  check_range("a number of timesteps", options.timesteps, 0, max_schedule_steps);
  check_range("a number of images per timestep", options.images, 1, 1'000'000);
  check_range("a batch for second moments", options.batch, 1, 1'000'000);
}

void check_fit(const UNet& network, const Dataset& dataset) {
  const UNetOptions& options = network.options();
  const std::vector<std::int64_t> shape = {options.image_channels, options.image_height, options.image_width};
  require(dataset.size() > 0 && dataset.image_shape() == shape,
          "gradient noise scale: expected images of the network's shape {}, got {} of shape {}", format_shape(shape),
          dataset.size(), format_shape(dataset.image_shape()));
  require(options.classes == 0 || !dataset.class_names().empty(),
          "gradient noise scale: the network has {} classes, but the images have none", options.classes);
}

// One stream for each of examples first .. first + count - 1.
std::vector<RandomStream> streams(std::uint64_t seed, StreamPurpose purpose, std::int64_t first, std::int64_t count) {
  std::vector<RandomStream> result;
  for (std::int64_t i = first; i < first + count; ++i)
    result.emplace_back(seed, purpose, static_cast<std::uint64_t>(i));
  return result;
}

// An image of the data set for each stream.
Batch draw_images(const Dataset& dataset, std::span<RandomStream> choices) {
  const auto size = static_cast<std::uint64_t>(dataset.size());
  Batch batch = empty_batch(dataset, static_cast<std::int64_t>(choices.size()));
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const auto index = static_cast<std::int64_t>(choices[i].below(size));
    set_image(batch, static_cast<std::int64_t>(i), dataset, index, /*mirrored=*/false);
  }
  return batch;
}

LossTerms losses_of(const UNet& network, const ReverseProcess& p_theta, const Batch& batch, const Timesteps& t,
                    const Tensor& noise, Objective objective) {
  const at::Device device = network.device();
  Condition condition;
  if (network.options().classes > 0) condition.y = batch.y.to(device);
  return training_losses(p_theta, conditioned(network, std::move(condition)), batch.x_0.to(device), t, noise.to(device),
                         objective);
}

// `count` timesteps of 0 .. steps - 1 with both ends: half of them evenly spaced, half as a geometric sequence, which
// is dense where the terms of the bound change fast. A few coincide.
std::vector<std::int64_t> measured_timesteps(std::int64_t steps, std::int64_t count) {
  std::set<std::int64_t> chosen = {0, steps - 1};
  if (count == 0 || count >= steps) {
    for (std::int64_t t = 0; t < steps; ++t) chosen.insert(t);
  }
  const std::int64_t half = count / 2;
  const auto last = static_cast<double>(steps - 1);
  for (std::int64_t i = 0; i < half; ++i) {
    const double fraction = static_cast<double>(i) / static_cast<double>(std::max<std::int64_t>(half - 1, 1));
    chosen.insert(std::llround(last * fraction));
    chosen.insert(std::llround(std::pow(last + 1.0, fraction)) - 1);
  }
  return {chosen.begin(), chosen.end()};
}

// Values at all of 0 .. steps - 1 from those at ascending timesteps that hold both ends, linear between them.
std::vector<double> interpolated(const std::vector<std::int64_t>& timesteps, const std::vector<double>& values) {
  std::vector<double> result = {values.front()};
  for (std::size_t i = 1; i < timesteps.size(); ++i) {
    const auto length = static_cast<double>(timesteps[i] - timesteps[i - 1]);
    for (std::int64_t t = timesteps[i - 1] + 1; t <= timesteps[i]; ++t) {
      result.push_back(std::lerp(values[i - 1], values[i], static_cast<double>(t - timesteps[i - 1]) / length));
    }
  }
  return result;
}

// Networks keep their gradients; here they are put in a row, [P].
Tensor gradient_in_a_row(const NamedParameters& parameters) {
  std::vector<Tensor> rows;
  for (const auto& [name, parameter] : parameters) {
    const Tensor& gradient = parameter.grad();
    rows.push_back(gradient.defined() ? gradient.reshape({-1}) : at::zeros({parameter.numel()}, parameter.options()));
  }
  return at::cat(rows).detach();
}

}  // namespace

std::vector<double> loss_second_moments(const UNet& network, const DiffusionSettings& diffusion, const Dataset& dataset,
                                        Objective objective, const SecondMomentOptions& options,
                                        const Progress& progress) {
  check(options);
  check_fit(network, dataset);
  const at::NoGradGuard no_gradients;
  const ReverseProcess p_theta = reverse_process(diffusion);
  const std::vector<std::int64_t> timesteps = measured_timesteps(p_theta.steps(), options.timesteps);
  const auto all = static_cast<std::int64_t>(timesteps.size()) * options.images;
  std::vector<double> squares(timesteps.size());
  for (std::int64_t first = 0; first < all; first += options.batch) {
    const std::int64_t count = std::min(options.batch, all - first);
    // Each example's image and noise come from one stream, so that gradients never meet them again.
    auto of_examples = streams(options.seed, StreamPurpose::evaluation, first, count);
    const Batch batch = draw_images(dataset, of_examples);
    const Tensor noise = normal_per_image(of_examples, batch.x_0.sizes().slice(1));
    std::vector<std::int64_t> t;
    const auto place = [&](std::int64_t i) { return static_cast<std::size_t>((first + i) / options.images); };
    for (std::int64_t i = 0; i < count; ++i) t.push_back(timesteps[place(i)]);
    const LossTerms terms = losses_of(network, p_theta, batch, t, noise, objective);
    const Tensor losses = terms.total.to(at::kCPU, at::kDouble).contiguous();
    for (std::int64_t i = 0; i < count; ++i) {
      const double loss = losses.data_ptr<double>()[i];
      require(std::isfinite(loss), "second moments of the loss: expected finite losses, got {} at t = {}", loss,
              timesteps[place(i)]);
      squares[place(i)] += loss * loss / static_cast<double>(options.images);
    }
    if (progress) progress(first + count, all);
  }
  // Roots are what p_t is made of, and between two t they are closer to a line than the moments.
  std::vector<double> roots;
  for (const double square : squares) roots.push_back(std::sqrt(square));
  std::vector<double> moments = interpolated(timesteps, roots);
  for (double& moment : moments) moment *= moment;
  return moments;
}

ImportanceTimesteps importance_timesteps(std::span<const double> second_moments) {
  const auto steps = static_cast<std::int64_t>(second_moments.size());
  ImportanceTimesteps timesteps(steps, {.history = 1});
  const Tensor roots = at::empty({steps}, at::kDouble);
  for (std::int64_t t = 0; t < steps; ++t) {
    const double moment = second_moments[static_cast<std::size_t>(t)];
    require(moment >= 0.0 && std::isfinite(moment),
            "importance sampling of timesteps: expected second moments of at least 0, got {} at t = {}", moment, t);
    roots.data_ptr<double>()[t] = std::sqrt(moment);
  }
  timesteps.record(at::arange(steps, at::kLong), roots);
  return timesteps;
}

GradientNoiseScale gradient_noise_scale(const UNet& network, const DiffusionSettings& diffusion, const Dataset& dataset,
                                        const GradientNoiseOptions& options, const Progress& progress) {
  check_range("a batch", options.batch, 1, 1'000'000);
  check_range("a number of batches", options.batches, 2, 1'000'000);
  check(options.moments);
  check_fit(network, dataset);
  const ReverseProcess p_theta = reverse_process(diffusion);
  require(options.timesteps == TimestepSampling::uniform || options.timesteps == TimestepSampling::importance,
          "gradient noise scale: expected timesteps uniform or importance, got {}", name(options.timesteps));
  std::unique_ptr<TimestepSampler> timesteps = std::make_unique<UniformTimesteps>(p_theta.steps());
  std::int64_t before = 0;
  std::int64_t all = options.batches * options.batch;
  if (options.timesteps == TimestepSampling::importance) {
    const auto of_moments = [&](std::int64_t done, std::int64_t moments) {
      before = moments;
      if (progress) progress(done, moments + all);
    };
    timesteps = std::make_unique<ImportanceTimesteps>(importance_timesteps(
        loss_second_moments(network, diffusion, dataset, options.objective, options.moments, of_moments)));
  }
  all += before;

  GradientNoiseEstimator estimator(options.batches, options.batch);
  const NamedParameters parameters = network.parameters();
  for (std::int64_t k = 0; k < options.batches; ++k) {
    for (const auto& [name, parameter] : parameters) parameter.mutable_grad() = Tensor();
    const GradientScope gradients(parameters);
    const auto of_batch = [&](StreamPurpose purpose) {
      return streams(options.seed, purpose, k * options.batch, options.batch);
    };
    auto choices = of_batch(StreamPurpose::data_order), noises = of_batch(StreamPurpose::training_noise),
         times = of_batch(StreamPurpose::training_timesteps);
    const Batch batch = draw_images(dataset, choices);
    const Tensor noise = normal_per_image(noises, batch.x_0.sizes().slice(1));
    const SampledTimesteps sampled = timesteps->sample(times);
    const LossTerms losses = losses_of(network, p_theta, batch, sampled.t, noise, options.objective);
    (losses.total * sampled.weight.to(losses.total.device())).mean().backward();
    estimator.add(gradient_in_a_row(parameters));
    if (progress) progress(before + (k + 1) * options.batch, all);
  }
  return estimator.estimate();
}

}  // namespace iddpm
