#include "iddpm/evaluation/likelihood/bits_per_dimension.h"

#include <cmath>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/core/random_stream.h"
#include "iddpm/diffusion/losses.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/io/pixels.h"
#include "iddpm/version.h"

namespace iddpm {
namespace {

// Mean and spread over images of values [images, n] that arrive in batches (Chan, Golub & LeVeque 1983, eq. 2.1).
class RunningMean {
 public:
  void add(const Tensor& values) {
    const double added = static_cast<double>(values.size(0));
    const Tensor mean = values.mean(0);
    const Tensor spread = (values - mean).square().sum(0);
    if (count_ == 0.0) {
      mean_ = at::zeros_like(mean);
      spread_ = at::zeros_like(mean);
    }
    const Tensor shift = mean - mean_;
    spread_ = spread_ + spread + shift.square() * (count_ * added / (count_ + added));
    mean_ = mean_ + shift * (added / (count_ + added));
    count_ += added;
  }
  Tensor mean() const { return mean_; }
  Tensor standard_error() const {
    return count_ < 2.0 ? at::zeros_like(mean_) : (spread_ / (count_ * (count_ - 1.0))).sqrt();
  }

 private:
  double count_ = 0.0;
  Tensor mean_;
  Tensor spread_;  // sum of squared deviations
};

std::vector<double> to_vector(const Tensor& values) {
  const Tensor contiguous = values.contiguous();
  return {contiguous.data_ptr<double>(), contiguous.data_ptr<double>() + contiguous.numel()};
}

// The places in the batch of images whose bound is finite.
Tensor finite_images(const BoundTerms& bound) {
  return bound.total().isfinite().logical_and(bound.x_0_error.isfinite().all(1)).nonzero().flatten();
}

// The first timestep, from T - 1 down, of which a term isn't finite; 0 if only the prior isn't.
std::int64_t largest_broken_timestep(const BoundTerms& bound) {
  const Tensor finite = bound.terms.isfinite().logical_and(bound.x_0_error.isfinite()).all(0);
  std::int64_t t = finite.numel() - 1;
  while (t > 0 && finite[t].item<bool>()) --t;
  return t;
}

}  // namespace

Tensor BoundTerms::total() const { return terms.sum(1) + prior; }

BoundTerms BoundTerms::of_images(const Tensor& chosen) const {
  return {.prior = prior.index_select(0, chosen),
          .terms = terms.index_select(0, chosen),
          .x_0_error = x_0_error.index_select(0, chosen),
          .epsilon_error = epsilon_error.index_select(0, chosen)};
}

NoiseSource evaluation_noise(std::uint64_t seed, const DatasetImages& images, at::Device device) {
  std::vector<RandomStream> streams;
  for (const std::int64_t index : images.indices) {
    streams.emplace_back(seed, StreamPurpose::evaluation, static_cast<std::uint64_t>(index));
  }
  return noise_from_streams(std::move(streams), images.pixels.sizes().slice(1).vec(), device);
}

BoundTerms bound_terms(const ForwardProcess& q, const Denoiser& denoiser, const Tensor& x_0, const NoiseSource& noise,
                       const ProgressCallback& progress) {
  const at::NoGradGuard no_gradients;
  const std::int64_t steps = q.steps();
  const at::TensorOptions host = at::TensorOptions(at::kDouble).device(at::kCPU);
  const auto table = [&] { return at::empty({x_0.size(0), steps}, host); };
  BoundTerms bound{
      .prior = q.prior_bits(x_0).to(host), .terms = table(), .x_0_error = table(), .epsilon_error = table()};
  for (std::int64_t k = 0; k < steps; ++k) {
    const std::int64_t t = steps - 1 - k;
    const Timesteps timesteps = Timesteps::repeated(t, x_0.size(0));
    const Tensor epsilon = noise(1 + k);
    const Tensor x_t = q.sample(x_0, timesteps, epsilon);
    const VlbTerm term = vlb_term(q, denoiser(x_t, timesteps), x_0, x_t, timesteps);
    const Tensor predicted_epsilon = q.noise_from_x_0(x_t, timesteps, term.x_0);
    bound.terms.select(1, t).copy_(term.bits);
    bound.x_0_error.select(1, t).copy_(mean_per_image((term.x_0 - x_0).square()));
    bound.epsilon_error.select(1, t).copy_(mean_per_image((predicted_epsilon - epsilon).square()));
    if (progress) progress(1 + k, steps);
  }
  return bound;
}

BitsPerDimension bits_per_dimension(const ForwardProcess& q, const Denoiser& denoiser, const Dataset& dataset,
                                    const BitsPerDimensionOptions& options, const ProgressCallback& progress) {
  return bits_per_dimension(
      q, [&](const DatasetImages&) { return denoiser; }, dataset, options, progress);
}

BitsPerDimension bits_per_dimension(const ForwardProcess& q, const DenoiserOfImages& denoiser_of,
                                    const Dataset& dataset, const BitsPerDimensionOptions& options,
                                    const ProgressCallback& progress) {
  const std::vector<std::int64_t> indices = evenly_spread(dataset.size(), options.count);
  BitsPerDimension result;
  Sha256 hash;
  RunningMean total, prior, terms, x_0_error, epsilon_error;
  std::int64_t broken_timestep = -1;
  for_each_batch(dataset, indices, options.batch, result.skipped, [&](const DatasetImages& images) {
    const Denoiser denoiser = denoiser_of(images);
    const std::int64_t size = images.pixels.size(0);
    const std::int64_t before = result.images + static_cast<std::int64_t>(result.skipped.size()) +
                                static_cast<std::int64_t>(result.not_finite.size());
    const auto of_batch = [&](std::int64_t done, std::int64_t steps) {
      if (progress) progress(before * steps + done * size, static_cast<std::int64_t>(indices.size()) * steps);
    };
    const Tensor x_0 = from_pixels(images.pixels.to(options.device));
    const BoundTerms all =
        bound_terms(q, denoiser, x_0, evaluation_noise(options.seed, images, options.device), of_batch);
    const Tensor finite = finite_images(all);
    if (broken_timestep < 0 && finite.numel() < size) broken_timestep = largest_broken_timestep(all);
    for (std::int64_t i = 0; i < size; ++i) {
      if (!finite.eq(i).any().item<bool>()) {
        result.not_finite.push_back(dataset.image_name(images.indices[static_cast<std::size_t>(i)]));
      }
    }
    if (finite.numel() == 0) return;
    const BoundTerms bound = all.of_images(finite);
    const Tensor per_image = bound.total();
    total.add(per_image);
    prior.add(bound.prior);
    terms.add(bound.terms);
    x_0_error.add(bound.x_0_error);
    epsilon_error.add(bound.epsilon_error);
    const std::vector<double> values = to_vector(per_image);
    result.per_image.insert(result.per_image.end(), values.begin(), values.end());
    result.images += finite.numel();
    hash.add(images.pixels.index_select(0, finite));
  });
  if (result.images == 0) {
    throw NotFiniteError(fmt::format(
        "the bound of none of {} images is finite, the first not from t = {} on: the model is broken, or its training "
        "was",
        result.not_finite.size(), broken_timestep));
  }
  result.measured = {.sha256 = hash.hex(), .count = result.images, .image_shape = dataset.image_shape()};
  result.total = total.mean().item<double>();
  result.standard_error = total.standard_error().item<double>();
  result.prior = prior.mean().item<double>();
  result.terms = to_vector(terms.mean());
  result.terms_standard_error = to_vector(terms.standard_error());
  result.x_0_error = to_vector(x_0_error.mean());
  result.epsilon_error = to_vector(epsilon_error.mean());
  return result;
}

Protocol likelihood_protocol(const BitsPerDimension& bits, std::string source, ModelRecord model) {
  Protocol protocol{.measurement = Measurement::likelihood,
                    .images = bits.measured,
                    .model = std::move(model),
                    .software = fmt::format("iddpm {}", version)};
  protocol.images.source = std::move(source);
  return protocol;
}

}  // namespace iddpm
