#include "iddpm/samplers/level_sampler.h"

#include "iddpm/core/error.h"

namespace iddpm {

LevelWalk::LevelWalk(std::vector<NoiseLevel> levels, Denoiser denoiser, NoiseSource noise)
    : levels_(std::move(levels)), denoiser_(std::move(denoiser)), noise_(std::move(noise)) {
  require(levels_.size() >= 2, "sampling: expected at least 2 noise levels, got {}", levels_.size());
  for (std::size_t k = 1; k < levels_.size(); ++k) {
    require(levels_[k].sigma < levels_[k - 1].sigma || levels_[k].alpha > levels_[k - 1].alpha,
            "sampling: expected noise levels that fall, got sigma {} after {} at step {}", levels_[k].sigma,
            levels_[k - 1].sigma, k);
  }
}

Tensor LevelWalk::x_0(const Tensor& x, std::int64_t k) const {
  return denoiser_(x, at::full({x.size(0)}, steps() - 1 - k, at::kLong)).x_0;
}

std::unique_ptr<SamplingRun> LevelSampler::start(const ForwardProcess& q, Denoiser denoiser, Tensor x_T,
                                                 NoiseSource noise) const {
  return start(noise_levels(q.schedule()), std::move(denoiser), std::move(x_T), std::move(noise));
}

std::unique_ptr<SamplingRun> LevelSampler::start(std::vector<NoiseLevel> levels, Denoiser denoiser, Tensor x,
                                                 NoiseSource noise) const {
  LevelWalk walk(std::move(levels), std::move(denoiser), std::move(noise));
  const std::int64_t steps = walk.steps();
  return single_step_run(descending_timesteps(steps), std::move(x),
                         [walk = std::move(walk), step = new_step()](const Tensor& x_t, const Tensor&, std::int64_t k) {
                           return step(walk, x_t, k);
                         });
}

Tensor epsilon_at(const NoiseLevel& level, const Tensor& x, const Tensor& x_0) {
  return (x - level.alpha * x_0) / level.sigma;
}

Tensor first_order_step(const Tensor& x, const Tensor& x_0, const NoiseLevel& from, const NoiseLevel& to) {
  const double kept = to.sigma / from.sigma;
  return kept * x + (to.alpha - kept * from.alpha) * x_0;
}

LevelStep epsilon_multistep(std::int64_t order, EpsilonCorrection correct) {
  return [order, correct = std::move(correct), epsilon = std::deque<Tensor>()](const LevelWalk& walk, const Tensor& x,
                                                                               std::int64_t k) mutable {
    const NoiseLevel& from = walk.level(k);
    const Tensor x_0 = walk.x_0(x, k);
    epsilon.push_front(epsilon_at(from, x, x_0));
    if (static_cast<std::int64_t>(epsilon.size()) > order) epsilon.pop_back();
    Tensor next = first_order_step(x, x_0, from, walk.level(k + 1));
    if (!walk.ends_clean(k)) next = correct(walk, k, epsilon, std::move(next));
    return SingleStepResult{.x = next, .x_0 = x_0};
  };
}

double epsilon_weight(const NoiseLevel& from, const NoiseLevel& to) { return to.sigma - to.alpha * from.ratio(); }

}  // namespace iddpm
