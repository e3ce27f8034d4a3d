#include "iddpm/evaluation/likelihood/pairwise_bound.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/evaluation/dataset_images.h"
#include "iddpm/evaluation/likelihood/chebyshev_interpolation.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/io/pixels.h"

namespace iddpm {
namespace {

constexpr std::int64_t default_candidates = 1000;
constexpr std::int64_t nodes = 40;

// A batch at one timestep t, and what the network says of it.
struct AtTimestep {
  Tensor x_0;
  Tensor predicted_x_0;
  Tensor variance_output;  // the network's second half of channels; undefined if the variance is fixed
};

// The steps from t to each s < t, by alpha_bar there.
struct Steps {
  std::vector<double> log_beta_tilde;
  std::vector<double> log_ratio;       // log beta - log beta_tilde = log (1 - alpha_bar_t) / (1 - alpha_bar_s)
  std::vector<double> snr_difference;  // alpha_bar / (1 - alpha_bar) at s less that at t
};

// beta_tilde of the step from t to s, eq. 10 with the beta of the pair (eq. 19).
double log_beta_tilde(double alpha_bar_s, double alpha_bar_t) {
  return std::log((1.0 - alpha_bar_t / alpha_bar_s) * (1.0 - alpha_bar_s) / (1.0 - alpha_bar_t));
}

Steps steps_to(const double* alpha_bar, std::int64_t t) {
  Steps steps;
  for (std::int64_t s = 0; s < t; ++s) {
    const double noise_s = 1.0 - alpha_bar[s];
    const double noise_t = 1.0 - alpha_bar[t];
    steps.log_beta_tilde.push_back(log_beta_tilde(alpha_bar[s], alpha_bar[t]));
    steps.log_ratio.push_back(std::log(noise_t / noise_s));
    steps.snr_difference.push_back((alpha_bar[s] - alpha_bar[t]) / (noise_s * noise_t));
  }
  return steps;
}

Tensor as_tensor(const std::vector<double>& values) { return at::tensor(values, at::kDouble); }

// KL(q(x_s | x_t, x_0) || p(x_s | x_t)) for every s < t in nats per dimension, [t]. With q's variance beta_tilde, p's
// exp(log_variance) and the mean's error beta_tilde (SNR_s - SNR_t) (x_0 error)^2, it is the mean over pixels of
//   1/2 (l - 1 + exp(-l) (1 + (SNR_s - SNR_t) (x_0 error)^2)), l = log_variance - log beta_tilde,
// where l = v log_ratio for all variances but `learned`. So s enters only through functions of one number.
Tensor divergences(const AtTimestep& at_t, Variance variance, const Steps& steps) {
  const Tensor error = (at_t.predicted_x_0 - at_t.x_0).square().to(at::kDouble);
  const Tensor snr = as_tensor(steps.snr_difference);
  const Tensor log_ratio = as_tensor(steps.log_ratio);
  switch (variance) {
    case Variance::fixed_small:
      return 0.5 * snr * error.mean().item<double>();
    case Variance::fixed_large:
      return 0.5 * (log_ratio + at::expm1(-log_ratio) + at::exp(-log_ratio) * snr * error.mean().item<double>());
    case Variance::learned_range: {
      const Tensor v = (at_t.variance_output.to(at::kDouble) + 1.0) / 2.0;
      const Tensor means = interpolated(steps.log_ratio, nodes, [&](double ratio) {
        const Tensor decay = at::expm1(v * -ratio);
        return at::stack({decay.mean(), (error * (decay + 1.0)).mean()});
      });
      return 0.5 * (log_ratio * v.mean().item<double>() + means.select(1, 0) + snr * means.select(1, 1));
    }
    case Variance::learned: {
      const Tensor log_variance = at_t.variance_output.to(at::kDouble);
      const Tensor precision = at::exp(-log_variance);
      const Tensor beta_tilde = as_tensor(steps.log_beta_tilde);
      return 0.5 * (log_variance.mean().item<double>() - beta_tilde - 1.0 +
                    at::exp(beta_tilde) *
                        (precision.mean().item<double>() + snr * (error * precision).mean().item<double>()));
    }
  }
  fail("pairwise bound: unknown kind of variance {}", static_cast<int>(variance));
}

// The negative log-likelihood of x_0 in the last step, from s, in nats per dimension: first where s alone is kept, then
// where each t > s is kept next.
Tensor decoder_terms(const AtTimestep& at_s, Variance variance, const double* alpha_bar, std::int64_t s,
                     std::int64_t candidates) {
  // The logarithm of what stands in for beta_tilde = 0 in this step.
  const double log_beta = std::log(1.0 - alpha_bar[s]);
  std::vector<double> first_variance = {log_beta};
  for (std::int64_t t = s + 1; t < candidates; ++t) {
    first_variance.push_back(log_beta_tilde(alpha_bar[s], alpha_bar[t]));
  }
  const auto term = [&](const Tensor& log_variance) {
    return -discretized_gaussian_log_likelihood(at_s.x_0, at_s.predicted_x_0, 0.5 * log_variance)
                .mean()
                .to(at::kDouble);
  };
  if (variance == Variance::learned) return term(at_s.variance_output).cpu().expand({candidates - s});
  const Tensor v =
      variance == Variance::learned_range ? (at_s.variance_output + 1.0) / 2.0 : at::zeros({}, at_s.x_0.options());
  return interpolated(first_variance, nodes,
                      [&](double lowest) { return term(v * log_beta + (1.0 - v) * lowest).view({1}); })
      .select(1, 0);
}

// L_T where t is the last timestep, in nats per dimension, as ForwardProcess::prior_bits.
double prior_term(double alpha_bar, double mean_square) {
  return 0.5 * (-std::log(1.0 - alpha_bar) - alpha_bar + alpha_bar * mean_square);
}

}  // namespace

BoundTable pairwise_terms(const ReverseProcess& p_theta, const Network& network, const Tensor& x_0,
                          const NoiseSource& noise, const std::vector<std::int64_t>& timesteps, bool clip_x_0,
                          const ProgressCallback& progress) {
  const at::NoGradGuard no_gradients;
  const ReverseProcessOptions& options = p_theta.options();
  require(
      options.mean != Mean::previous_x,
      "pairwise bound: expected a network that predicts epsilon or x_0, got one that predicts x_{{t-1}}, which says "
      "nothing of longer steps");
  const ForwardProcess& q = p_theta.q();
  (void)respaced_schedule(q.schedule(), timesteps);  // refuses timesteps that don't ascend or have no signal between
  const auto candidates = static_cast<std::int64_t>(timesteps.size());
  std::vector<double> alpha_bar;
  for (const std::int64_t t : timesteps) alpha_bar.push_back(q.schedule().alpha_bar[static_cast<std::size_t>(t)]);
  const double mean_square = x_0.to(at::kDouble).square().mean().item<double>();

  BoundTable table{.prior = at::zeros({candidates}, at::kDouble),
                   .step = at::zeros({candidates, candidates}, at::kDouble),
                   .decoder = at::zeros({candidates, candidates}, at::kDouble)};
  for (std::int64_t place = candidates - 1; place >= 0; --place) {
    const std::int64_t timestep = timesteps[static_cast<std::size_t>(place)];
    const Timesteps t = Timesteps::repeated(timestep, x_0.size(0));
    const Tensor x_t = q.sample(x_0, t, noise(p_theta.steps() - timestep));
    const Tensor output = p_theta.network_output(network, x_t, t);
    AtTimestep at_t{.x_0 = x_0,
                    .predicted_x_0 = p_theta.prediction_from_output(output, x_t, t, clip_x_0).x_0,
                    .variance_output = {}};
    if (is_learned(options.variance)) at_t.variance_output = output.narrow(1, x_0.size(1), x_0.size(1));
    table.prior[place] = prior_term(alpha_bar[static_cast<std::size_t>(place)], mean_square);
    table.decoder.select(0, place).slice(0, place).copy_(
        decoder_terms(at_t, options.variance, alpha_bar.data(), place, candidates));
    if (place > 0) {
      table.step.select(1, place)
          .slice(0, 0, place)
          .copy_(divergences(at_t, options.variance, steps_to(alpha_bar.data(), place)));
    }
    if (progress) progress(candidates - place, candidates);
  }
  for (Tensor* terms : {&table.prior, &table.step, &table.decoder}) *terms /= std::numbers::ln2;
  return table;
}

std::vector<std::int64_t> respacing_candidates(std::int64_t steps, std::int64_t count) {
  if (count == 0) count = std::min(steps, default_candidates);
  require(count >= 1 && count <= std::min(steps, max_respacing_candidates),
          "pairwise bound: expected 1 to {} candidates of {} timesteps, got {}",
          std::min(steps, max_respacing_candidates), steps, count);
  return respaced_timesteps(steps, std::to_string(count));
}

std::vector<std::int64_t> PairwiseBound::timesteps_at(const std::vector<std::int64_t>& places) const {
  std::vector<std::int64_t> result;
  for (const std::int64_t place : places) result.push_back(timesteps.at(static_cast<std::size_t>(place)));
  return result;
}

std::vector<std::int64_t> PairwiseBound::optimal_timesteps(std::int64_t steps) const {
  const auto candidates = static_cast<std::int64_t>(timesteps.size());
  require(steps >= 1 && steps <= candidates, "optimal respacing: expected 1 to {} steps, got {}", candidates, steps);
  return timesteps_at(OptimalRespacing(terms, steps).kept(steps));
}

PairwiseBound pairwise_bound(const ReverseProcess& p_theta, const Network& network, const Dataset& dataset,
                             const PairwiseBoundOptions& options, const ProgressCallback& progress) {
  return pairwise_bound(
      p_theta, [&](const DatasetImages&) { return network; }, dataset, options, progress);
}

PairwiseBound pairwise_bound(const ReverseProcess& p_theta, const NetworkOfImages& network_of, const Dataset& dataset,
                             const PairwiseBoundOptions& options, const ProgressCallback& progress) {
  const std::vector<std::int64_t> indices = evenly_spread(dataset.size(), options.count);
  PairwiseBound result;
  Sha256 hash;
  std::int64_t images_done = 0;
  for_each_batch(dataset, indices, options.batch, result.skipped, [&](const DatasetImages& images) {
    const Network network = network_of(images);
    const std::int64_t size = images.pixels.size(0);
    if (result.timesteps.empty()) {
      result.timesteps = respacing_candidates(p_theta.steps(), options.candidates);
      result.model = {.steps = p_theta.steps(), .original_steps = p_theta.steps(), .seed = options.seed};
    }
    const std::int64_t before = images_done + static_cast<std::int64_t>(result.skipped.size());
    const auto of_batch = [&](std::int64_t done, std::int64_t candidates) {
      if (progress) progress(before * candidates + done * size, static_cast<std::int64_t>(indices.size()) * candidates);
    };
    const Tensor x_0 = from_pixels(images.pixels.to(options.device));
    const BoundTable terms =
        pairwise_terms(p_theta, network, x_0, evaluation_noise(options.seed, images, options.device), result.timesteps,
                       options.clip_x_0, of_batch);
    const auto finite = [](const Tensor& values) { return values.isfinite().all().item<bool>(); };
    if (!finite(terms.prior) || !finite(terms.step) || !finite(terms.decoder)) {
      throw NotFiniteError(fmt::format(
          "the bound's terms are not finite on the images from '{}' to '{}': the model is broken, or its training was",
          dataset.image_name(images.indices.front()), dataset.image_name(images.indices.back())));
    }
    // Running means.
    const double share = static_cast<double>(size) / static_cast<double>(images_done + size);
    const auto update = [share](Tensor& mean, const Tensor& added) {
      mean = mean.defined() ? mean + (added - mean) * share : added;
    };
    update(result.terms.prior, terms.prior);
    update(result.terms.step, terms.step);
    update(result.terms.decoder, terms.decoder);
    images_done += size;
    hash.add(images.pixels);
  });
  result.measured = {.sha256 = hash.hex(), .count = images_done, .image_shape = dataset.image_shape()};
  return result;
}

}  // namespace iddpm
