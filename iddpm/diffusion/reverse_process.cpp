#include "iddpm/diffusion/reverse_process.h"

#include <cmath>
#include <memory>
#include <numeric>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

// Below this, 1 / sqrt(alpha_bar) times an image is no longer finite in float32.
constexpr double smallest_alpha_bar = 1e-60;

void require_recoverable_x_0(const NoiseSchedule& schedule, Mean mean) {
  for (std::size_t t = 0; t < schedule.alpha_bar.size(); ++t) {
    const double signal = mean == Mean::epsilon      ? schedule.alpha_bar[t]
                          : mean == Mean::previous_x ? schedule.alpha_bar_previous[t]
                                                     : 1.0;
    require(signal >= smallest_alpha_bar,
            "reverse process: x_0 can't be told from a prediction of {} at t = {}, where alpha_bar has fallen to {}; "
            "choose a network that predicts x_0 or v, or a schedule that keeps some signal",
            mean == Mean::epsilon ? "epsilon" : "x_{t-1}", t, signal);
  }
}

std::vector<std::int64_t> all_timesteps(std::int64_t steps) {
  std::vector<std::int64_t> timesteps(static_cast<std::size_t>(steps));
  std::iota(timesteps.begin(), timesteps.end(), 0);
  return timesteps;
}

// In float32 where rescaled, as the published code has them.
Tensor seen_timesteps(const std::vector<std::int64_t>& timestep_map, std::int64_t original_steps, bool rescaled) {
  const Tensor original = at::tensor(at::ArrayRef<std::int64_t>(timestep_map), at::kLong);
  return rescaled ? original.to(at::kFloat) * (1000.0 / static_cast<double>(original_steps)) : original;
}

std::vector<double> logarithms(const std::vector<double>& values) {
  std::vector<double> result;
  for (const double value : values) result.push_back(std::log(value));
  return result;
}

std::vector<double> large_variance(const NoiseSchedule& schedule) {
  std::vector<double> variance = schedule.beta;
  variance[0] = schedule.first_variance();
  return variance;
}

}  // namespace

ReverseProcess::ReverseProcess(ForwardProcess q, ReverseProcessOptions options)
    : ReverseProcess(q, options, all_timesteps(q.steps()), q.steps()) {}

ReverseProcess::ReverseProcess(ForwardProcess q, ReverseProcessOptions options, std::vector<std::int64_t> timestep_map,
                               std::int64_t original_steps)
    : q_(std::move(q)),
      options_(options),
      timestep_map_(std::move(timestep_map)),
      original_steps_(original_steps),
      seen_(seen_timesteps(timestep_map_, original_steps, options.rescale_timesteps)),
      log_beta_(logarithms(q_.schedule().beta)),
      large_variance_(large_variance(q_.schedule())),
      log_large_variance_(logarithms(large_variance(q_.schedule()))) {
  require_recoverable_x_0(q_.schedule(), options_.mean);
}

ReverseProcess ReverseProcess::respaced(const std::string& specification) const {
  return respaced(respaced_timesteps(q_.schedule(), specification));
}

ReverseProcess ReverseProcess::respaced(const std::vector<std::int64_t>& timesteps) const {
  NoiseSchedule schedule = respaced_schedule(q_.schedule(), timesteps);
  if (schedule.steps() == steps()) return *this;
  std::vector<std::int64_t> original;
  for (const std::int64_t t : timesteps) original.push_back(timestep_map_[static_cast<std::size_t>(t)]);
  return ReverseProcess(ForwardProcess(std::move(schedule)), options_, std::move(original), original_steps_);
}

Tensor ReverseProcess::network_output(const Network& network, const Tensor& x_t, const Timesteps& t) const {
  const Tensor output = network(x_t, network_timesteps(t, x_t.device())).to(x_t.scalar_type());
  require_fitting_output(output, x_t);
  return output;
}

void ReverseProcess::require_fitting_output(const Tensor& output, const Tensor& x_t) const {
  require(x_t.dim() == 4, "reverse process: expected images [N, C, H, W], got {}", format_shape(x_t.sizes()));
  std::vector<std::int64_t> expected = x_t.sizes().vec();
  if (is_learned(options_.variance)) expected[1] *= 2;
  require(output.sizes() == at::IntArrayRef(expected),
          "reverse process: expected an output of shape {} for images of shape {} with a {} variance, got {}",
          format_shape(expected), format_shape(x_t.sizes()), is_learned(options_.variance) ? "learned" : "fixed",
          format_shape(output.sizes()));
}

Prediction ReverseProcess::predict(const Network& network, const Tensor& x_t, const Timesteps& t,
                                   std::optional<bool> clip_x_0) const {
  return prediction_from_output(network_output(network, x_t, t), x_t, t, clip_x_0);
}

Denoiser ReverseProcess::denoiser(Network network, std::optional<bool> clip_x_0) const {
  return [process = std::make_shared<const ReverseProcess>(*this), network = std::move(network), clip_x_0](
             const Tensor& x_t, const Timesteps& t) { return process->predict(network, x_t, t, clip_x_0); };
}

Prediction ReverseProcess::prediction_from_output(const Tensor& output, const Tensor& x_t, const Timesteps& t,
                                                  std::optional<bool> clip_x_0) const {
  require_fitting_output(output, x_t);
  const std::int64_t channels = x_t.size(1);
  const ForwardTables& tables = q_.tables();
  const Tensor of_mean = output.narrow(1, 0, channels);

  Prediction prediction;
  switch (options_.variance) {
    case Variance::fixed_small:
      prediction.variance = tables.beta_tilde.at(t, x_t);
      prediction.log_variance = tables.log_beta_tilde_clipped.at(t, x_t);
      break;
    case Variance::fixed_large:
      prediction.variance = large_variance_.at(t, x_t);
      prediction.log_variance = log_large_variance_.at(t, x_t);
      break;
    case Variance::learned:
      prediction.log_variance = output.narrow(1, channels, channels);
      prediction.variance = at::exp(prediction.log_variance);
      break;
    case Variance::learned_range: {
      const Tensor v = (output.narrow(1, channels, channels) + 1.0) / 2.0;
      prediction.log_variance = v * log_beta_.at(t, x_t) + (1.0 - v) * tables.log_beta_tilde_clipped.at(t, x_t);
      prediction.variance = at::exp(prediction.log_variance);
      break;
    }
  }

  switch (options_.mean) {
    case Mean::epsilon:
      prediction.x_0 = q_.x_0_from_noise(x_t, t, of_mean);
      break;
    case Mean::x_0:
      prediction.x_0 = of_mean;
      break;
    case Mean::velocity:
      prediction.x_0 = q_.x_0_from_velocity(x_t, t, of_mean);
      break;
    case Mean::previous_x:
      prediction.x_0 = q_.x_0_from_previous(x_t, t, of_mean);
      break;
  }
  if (clip_x_0.value_or(options_.clip_x_0)) {
    prediction.x_0 = prediction.x_0.clamp(-options_.clip_range, options_.clip_range);
  }
  prediction.mean = options_.mean == Mean::previous_x ? of_mean : q_.posterior(prediction.x_0, x_t, t).mean;
  return prediction;
}

}  // namespace iddpm
