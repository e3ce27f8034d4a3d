#include "iddpm/samplers/single_step_run.h"

#include <numeric>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

class SingleStepRun : public SamplingRun {
 public:
  SingleStepRun(std::vector<std::int64_t> timesteps, Tensor x, SingleStep step)
      : timesteps_(std::move(timesteps)), x_(std::move(x)), step_(std::move(step)) {}

  std::int64_t steps() const override { return static_cast<std::int64_t>(timesteps_.size()); }

  std::optional<SamplingState> next() override {
    if (done_ == steps()) return {};
    const at::NoGradGuard no_grad;
    const std::int64_t t = timesteps_[static_cast<std::size_t>(done_)];
    SingleStepResult result = step_(x_, Timesteps::repeated(t, x_.size(0)), done_);
    x_ = std::move(result.x);
    ++done_;
    return SamplingState{.step = done_, .t = t, .x = x_, .x_0 = std::move(result.x_0)};
  }

 private:
  std::vector<std::int64_t> timesteps_;
  Tensor x_;
  SingleStep step_;
  std::int64_t done_ = 0;
};

}  // namespace

std::unique_ptr<SamplingRun> single_step_run(std::vector<std::int64_t> timesteps, Tensor x, SingleStep step) {
  require(x.defined() && x.dim() == 4 && at::isFloatingType(x.scalar_type()),
          "sampling: expected a floating-point tensor [N, C, H, W] to begin with, got {}",
          x.defined() ? fmt::format("{} {}", at::toString(x.scalar_type()), format_shape(x.sizes())) : "none");
  return std::make_unique<SingleStepRun>(std::move(timesteps), std::move(x), std::move(step));
}

std::vector<std::int64_t> descending_timesteps(std::int64_t steps) {
  std::vector<std::int64_t> timesteps(static_cast<std::size_t>(steps));
  std::iota(timesteps.rbegin(), timesteps.rend(), 0);
  return timesteps;
}

Tensor step_noise(const Tensor& sigma, const Tensor& noise, const Timesteps& t, const Tensor& x) {
  if (!noise.defined()) {
    require(t == Timesteps::repeated(0, t.size()), "sampling: expected noise for a step at t above 0, got none");
    return at::zeros({}, x.options());
  }
  require(noise.sizes() == x.sizes(), "sampling: expected noise of shape {}, got {}", format_shape(x.sizes()),
          format_shape(noise.sizes()));
  if (!t.contain(0)) return sigma * noise;
  return (t.on(x.device()) != 0).to(x.scalar_type()).view({-1, 1, 1, 1}) * sigma * noise;
}

}  // namespace iddpm
