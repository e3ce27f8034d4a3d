#include "iddpm/diffusion/losses.h"

#include <numbers>
#include <optional>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

// What the first half of the network's channels should have been.
Tensor mean_target(const ReverseProcess& p_theta, const Tensor& x_0, const Tensor& x_t, const Timesteps& t,
                   const Tensor& noise) {
  switch (p_theta.options().mean) {
    case Mean::epsilon:
      return noise;
    case Mean::x_0:
      return x_0;
    case Mean::velocity:
      return p_theta.q().velocity(x_0, t, noise);
    case Mean::previous_x:
      return p_theta.q().posterior(x_0, x_t, t).mean;
  }
  fail("losses: unknown kind of mean {}", static_cast<int>(p_theta.options().mean));
}

Tensor squared_error(const ReverseProcess& p_theta, const Tensor& output, const Tensor& x_0, const Tensor& x_t,
                     const Timesteps& t, const Tensor& noise) {
  const Tensor of_mean = output.narrow(1, 0, x_0.size(1));
  return mean_per_image(at::square(mean_target(p_theta, x_0, x_t, t, noise) - of_mean));
}

Tensor unclipped_bits(const ReverseProcess& p_theta, const Tensor& output, const Tensor& x_0, const Tensor& x_t,
                      const Timesteps& t) {
  return vlb_term(p_theta.q(), p_theta.prediction_from_output(output, x_t, t, false), x_0, x_t, t).bits;
}

// The bound's term in the variance alone: the mean half of the output is held fixed.
Tensor variance_term(const ReverseProcess& p_theta, const Tensor& output, const Tensor& x_0, const Tensor& x_t,
                     const Timesteps& t) {
  const std::int64_t channels = x_0.size(1);
  const Tensor frozen = at::cat({output.narrow(1, 0, channels).detach(), output.narrow(1, channels, channels)}, 1);
  return unclipped_bits(p_theta, frozen, x_0, x_t, t);
}

// The weights of the squared error at each t, if it has any.
std::optional<TimestepTable> checked_weights(const ReverseProcess& p_theta, Objective objective,
                                             const LossWeighting& weighting) {
  require(objective != Objective::hybrid || is_learned(p_theta.options().variance),
          "L_hybrid: expected a learned variance, got a fixed one; choose the objective L_simple, or a network that "
          "predicts the variance");
  if (weighting.weight == LossWeight::prediction) return std::nullopt;
  require(objective == Objective::simple || objective == Objective::hybrid,
          "losses: a weight is of the squared error, which L_vlb has none of; expected the objective L_simple or "
          "L_hybrid");
  return TimestepTable(loss_weights(p_theta.q().schedule(), p_theta.options().mean, weighting));
}

LossTerms losses_of(const ReverseProcess& p_theta, Objective objective, const std::optional<TimestepTable>& weights,
                    const Network& network, const Tensor& x_0, const Timesteps& t, const Tensor& noise) {
  const auto steps = static_cast<double>(p_theta.steps());
  const Tensor x_t = p_theta.q().sample(x_0, t, noise);
  const Tensor output = p_theta.network_output(network, x_t, t);
  const bool learned = is_learned(p_theta.options().variance);
  LossTerms terms;
  switch (objective) {
    case Objective::simple:
    case Objective::hybrid:
      terms.mse = squared_error(p_theta, output, x_0, x_t, t, noise);
      if (weights) terms.mse = terms.mse * weights->at(t, terms.mse);
      terms.total = terms.mse;
      if (learned) {
        // 1 / 1000 keeps the term small beside the squared error whatever T.
        const double scale = objective == Objective::hybrid ? steps / 1000.0 : 1.0;
        terms.vb = variance_term(p_theta, output, x_0, x_t, t) * scale;
        terms.total = terms.mse + terms.vb;
      }
      break;
    case Objective::vlb:
    case Objective::vlb_unscaled:
      terms.vb = unclipped_bits(p_theta, output, x_0, x_t, t) * (objective == Objective::vlb ? steps : 1.0);
      terms.total = terms.vb;
      break;
  }
  return terms;
}

}  // namespace

VlbTerm vlb_term(const ForwardProcess& q, const Prediction& p, const Tensor& x_0, const Tensor& x_t,
                 const Timesteps& t) {
  const Gaussian posterior = q.posterior(x_0, x_t, t);
  const Tensor kl = gaussian_kl(posterior.mean, posterior.log_variance, p.mean, p.log_variance);
  Tensor nats = mean_per_image(kl);
  if (t.contain(0)) {
    const Tensor log_likelihood = discretized_gaussian_log_likelihood(x_0, p.mean, 0.5 * p.log_variance);
    nats = at::where(t.on(x_0.device()) == 0, -mean_per_image(log_likelihood), nats);
  }
  return {.bits = nats / std::numbers::ln2, .x_0 = p.x_0};
}

LossTerms training_losses(const ReverseProcess& p_theta, const Network& network, const Tensor& x_0, const Timesteps& t,
                          const Tensor& noise, Objective objective, const LossWeighting& weighting) {
  return losses_of(p_theta, objective, checked_weights(p_theta, objective, weighting), network, x_0, t, noise);
}

TrainingLosses::TrainingLosses(ReverseProcess p_theta, Objective objective, const LossWeighting& weighting)
    : p_theta_(std::move(p_theta)), objective_(objective), weights_(checked_weights(p_theta_, objective, weighting)) {}

LossTerms TrainingLosses::operator()(const Network& network, const Tensor& x_0, const Timesteps& t,
                                     const Tensor& noise) const {
  return losses_of(p_theta_, objective_, weights_, network, x_0, t, noise);
}

Tensor simple_loss(const ReverseProcess& p_theta, const Network& network, const Tensor& x_0, const Timesteps& t,
                   const Tensor& noise) {
  const Tensor x_t = p_theta.q().sample(x_0, t, noise);
  return squared_error(p_theta, p_theta.network_output(network, x_t, t), x_0, x_t, t, noise);
}

Tensor hybrid_loss(const ReverseProcess& p_theta, const Network& network, const Tensor& x_0, const Timesteps& t,
                   const Tensor& noise) {
  return training_losses(p_theta, network, x_0, t, noise, Objective::hybrid).total;
}

Tensor vlb_loss(const ReverseProcess& p_theta, const Network& network, const Tensor& x_0, const Timesteps& t,
                const Tensor& noise) {
  return training_losses(p_theta, network, x_0, t, noise, Objective::vlb).total;
}

}  // namespace iddpm
