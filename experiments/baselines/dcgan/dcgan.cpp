#include "experiments/baselines/dcgan/dcgan.h"

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "experiments/baselines/dcgan/dcgan_state.h"
#include "iddpm/core/error.h"
#include "iddpm/core/random_stream.h"
#include "iddpm/kernels/optimizer_step.h"

namespace iddpm::baselines {
namespace {

// Latents number first .. first + count - 1 of a seed and purpose, [count, latent].
Tensor latents(const DcganOptions& options, std::uint64_t seed, StreamPurpose purpose, std::int64_t first,
               std::int64_t count) {
  std::vector<RandomStream> streams;
  for (std::int64_t i = first; i < first + count; ++i) {
    streams.emplace_back(seed, purpose, static_cast<std::uint64_t>(i));
  }
  return normal_per_image(streams, {options.latent});
}

// -log sigmoid(logits), the mean over images: small where they look real.
Tensor loss_as_real(const Tensor& logits) { return at::softplus(-logits).mean(); }
Tensor loss_as_generated(const Tensor& logits) { return at::softplus(logits).mean(); }

double finite_value(const Tensor& loss, const char* whose, std::int64_t steps_done) {
  const double value = loss.item<double>();
  if (!std::isfinite(value)) {
    throw NotFiniteError(
        fmt::format("DCGAN: the {}'s loss at step {} is {}; expected a finite number", whose, steps_done + 1, value));
  }
  return value;
}

// One step of Adam down the gradient of `loss`; `averages`, if there are any, follow the parameters.
void descend(const Tensor& loss, OptimisedParameters& network, const NamedParameters& averages,
             const DcganOptions& options, std::int64_t steps_done) {
  std::vector<Tensor> parameters;
  for (const auto& [name, parameter] : network.parameters) parameters.push_back(parameter);
  const auto gradients = torch::autograd::grad({loss}, parameters);
  const auto steps = static_cast<double>(steps_done);
  const double rate = std::min(options.average_rate, (1.0 + steps) / (10.0 + steps));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    std::vector<kernels::EmaTarget> targets;
    if (!averages.empty()) targets.push_back({.average = averages[i].second, .rate = rate});
    kernels::adamw_step(
        parameters[i], gradients[i], network.exp_avg[i], network.exp_avg_sq[i], targets,
        {.step = steps_done + 1, .learning_rate = options.learning_rate, .beta1 = options.beta_1, .weight_decay = 0.0});
  }
}

std::int64_t scalars(const OptimisedParameters& network) { return count(network.parameters); }

}  // namespace

Dcgan::Dcgan(DcganOptions options) : Dcgan(std::make_unique<State>(options)) {}
Dcgan::Dcgan(std::unique_ptr<State> state) : state_(std::move(state)) {}
Dcgan::~Dcgan() = default;
Dcgan::Dcgan(Dcgan&&) noexcept = default;
Dcgan& Dcgan::operator=(Dcgan&&) noexcept = default;

DcganStep Dcgan::step(const Tensor& x_0) {
  State& state = *state_;
  const DcganOptions& options = state.options;
  const std::array<std::int64_t, 3> shape = {options.image_channels, options.image_height, options.image_width};
  require(x_0.defined() && x_0.dim() == 4 && x_0.size(0) >= 2 && x_0.sizes().slice(1) == at::IntArrayRef(shape),
          "DCGAN's step: expected at least 2 images of shape {}, got {}", format_shape(shape),
          x_0.defined() ? format_shape(x_0.sizes()) : "nothing");
  const std::int64_t images = x_0.size(0);
  const at::AutoGradMode with_gradients(true);
  const Tensor z = latents(options, options.seed, StreamPurpose::training_noise, state.examples_seen, images);
  const Tensor generated = state.generator(z);

  const Tensor discriminator_loss = loss_as_real(state.discriminator(x_0.to(at::kFloat))) +
                                    loss_as_generated(state.discriminator(generated.detach()));
  DcganStep result;
  result.discriminator_loss = finite_value(discriminator_loss, "discriminator", state.steps_done);
  descend(discriminator_loss, state.of_discriminator, {}, options, state.steps_done);

  const Tensor generator_loss = loss_as_real(state.discriminator(generated));
  result.generator_loss = finite_value(generator_loss, "generator", state.steps_done);
  descend(generator_loss, state.of_generator, state.averaged_store.parameters(), options, state.steps_done);

  ++state.steps_done;
  state.examples_seen += images;
  return result;
}

Tensor Dcgan::sample(std::int64_t count, std::uint64_t seed) const {
  constexpr std::int64_t latents_for_statistics = 256, batch = 64;
  const State& state = *state_;
  const DcganOptions& options = state.options;
  require(count >= 0, "DCGAN's samples: expected a number of at least 0, got {}", count);
  const at::NoGradGuard no_gradients;
  const auto statistics =
      state.averaged.statistics(latents(options, options.seed, StreamPurpose::evaluation, 0, latents_for_statistics));
  const Tensor images = at::empty({count, options.image_channels, options.image_height, options.image_width});
  for (std::int64_t first = 0; first < count; first += batch) {
    const std::int64_t size = std::min(batch, count - first);
    const Tensor z = latents(options, seed, StreamPurpose::sampling, first, size);
    images.narrow(0, first, size).copy_(state.averaged(z, statistics));
  }
  return images;
}

const DcganOptions& Dcgan::options() const { return state_->options; }
std::int64_t Dcgan::steps_done() const { return state_->steps_done; }
void Dcgan::set_processor_seconds(double seconds) { state_->processor_seconds = seconds; }
double Dcgan::processor_seconds() const { return state_->processor_seconds; }
std::int64_t Dcgan::generator_parameters() const { return scalars(state_->of_generator); }
std::int64_t Dcgan::discriminator_parameters() const { return scalars(state_->of_discriminator); }

}  // namespace iddpm::baselines
