#include "iddpm/samplers/inpainting.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "iddpm/core/error.h"
#include "iddpm/diffusion/noise_level.h"

namespace iddpm {
namespace {

void check(const Resampling& options) {
  require(options.times >= 1, "inpainting: expected to undo each stretch at least once, got {} times", options.times);
  require(options.jump >= 1, "inpainting: expected stretches of at least 1 step, got {}", options.jump);
}

// The process's own first steps.
ForwardProcess first_steps(const ForwardProcess& q, std::int64_t steps) {
  const std::vector<double>& beta = q.schedule().beta;
  return ForwardProcess(NoiseSchedule({beta.begin(), beta.begin() + steps}));
}

class InpaintingRun : public SamplingRun {
 public:
  InpaintingRun(std::shared_ptr<const Sampler> sampler, Inpainting inpainting, const ForwardProcess& q,
                Denoiser denoiser, Tensor x_T, NoiseSource noise)
      : sampler_(std::move(sampler)),
        inpainting_(std::move(inpainting)),
        q_(q),
        levels_(noise_levels(q.schedule())),
        way_(resampled_way(q.steps(), inpainting_.resampling)),
        denoiser_(std::move(denoiser)),
        noise_(std::move(noise)) {
    for (std::size_t move = 1; move < way_.size(); ++move) steps_ += way_[move] < way_[move - 1] ? 1 : 0;
    inpainting_.known = inpainting_.known.to(x_T.options());
    inpainting_.anew = inpainting_.anew.to(x_T.device());
    x_ = with_known(x_T, q.steps());
  }

  std::int64_t steps() const override { return steps_; }

  std::optional<SamplingState> next() override {
    const at::NoGradGuard no_grad;
    while (move_ + 1 < way_.size() && way_[move_ + 1] > way_[move_]) go_back();
    if (move_ + 1 == way_.size()) return {};
    const std::int64_t left = way_[move_];
    const NoiseSource noise = [this](std::int64_t) { return noise_(next_draw_++); };
    SamplingState state = *sampler_->start(first_steps(q_, left), denoiser_, x_, noise)->next();
    x_ = with_known(state.x, left - 1);
    ++move_;
    return SamplingState{.step = ++done_, .t = left - 1, .x = x_, .x_0 = std::move(state.x_0)};
  }

 private:
  const NoiseLevel& level(std::int64_t left) const {
    return levels_[levels_.size() - 1 - static_cast<std::size_t>(left)];
  }

  // x at the level of so many steps left, the known pixels drawn from q(x_t | known).
  Tensor with_known(const Tensor& x, std::int64_t left) {
    const NoiseLevel& there = level(left);
    if (there.is_clean()) return at::where(inpainting_.anew, x, inpainting_.known);
    return at::where(inpainting_.anew, x, there.alpha * inpainting_.known + there.sigma * noise_(next_draw_++));
  }

  // A draw from q(x_t | x) at the noisier level that comes next.
  void go_back() {
    const double kept = level(way_[move_ + 1]).alpha / level(way_[move_]).alpha;
    x_ = kept * x_ + std::sqrt(1.0 - kept * kept) * noise_(next_draw_++);
    ++move_;
  }

  std::shared_ptr<const Sampler> sampler_;
  Inpainting inpainting_;
  ForwardProcess q_;
  std::vector<NoiseLevel> levels_;
  std::vector<std::int64_t> way_;
  Denoiser denoiser_;
  NoiseSource noise_;
  Tensor x_;
  std::int64_t steps_ = 0;
  std::size_t move_ = 0;
  std::int64_t done_ = 0;
  std::int64_t next_draw_ = 1;
};

}  // namespace

std::vector<std::int64_t> resampled_way(std::int64_t steps, const Resampling& options) {
  check(options);
  const std::int64_t jump = std::min(options.jump, steps - 1);
  std::map<std::int64_t, std::int64_t> still_to_go_back;  // from 1, 1 + jump, ... steps left, where a stretch fits
  for (std::int64_t left = 1; jump > 0 && left + jump <= steps; left += jump)
    still_to_go_back[left] = options.times - 1;
  std::vector<std::int64_t> way = {steps};
  while (way.back() > 0) {
    const auto here = still_to_go_back.find(way.back());
    const bool back = here != still_to_go_back.end() && here->second-- > 0;
    way.push_back(back ? way.back() + jump : way.back() - 1);
  }
  return way;
}

InpaintingSampler::InpaintingSampler(std::shared_ptr<const Sampler> sampler, Inpainting inpainting)
    : sampler_(std::move(sampler)), inpainting_(std::move(inpainting)) {
  check(inpainting_.resampling);
  const Tensor& anew = inpainting_.anew;
  require(anew.defined() && anew.scalar_type() == at::kBool && anew.dim() >= 2 && inpainting_.known.dim() == 4 &&
              anew.size(-2) == inpainting_.known.size(-2) && anew.size(-1) == inpainting_.known.size(-1),
          "inpainting: expected a bool mask of the images' height and width, {}, got {}",
          format_shape(inpainting_.known.sizes()), anew.defined() ? format_shape(anew.sizes()) : "none");
}

std::unique_ptr<SamplingRun> InpaintingSampler::start(const ForwardProcess& q, Denoiser denoiser, Tensor x_T,
                                                      NoiseSource noise) const {
  require(x_T.sizes() == inpainting_.known.sizes(), "inpainting: expected images {}, got {}", format_shape(x_T.sizes()),
          format_shape(inpainting_.known.sizes()));
  return std::make_unique<InpaintingRun>(sampler_, inpainting_, q, std::move(denoiser), std::move(x_T),
                                         std::move(noise));
}

std::int64_t InpaintingSampler::evaluations(const ForwardProcess& q) const {
  const std::vector<std::int64_t> way = resampled_way(q.steps(), inpainting_.resampling);
  std::int64_t count = 0;
  for (std::size_t move = 1; move < way.size(); ++move) {
    const std::int64_t left = way[move - 1];
    if (way[move] > left) continue;
    count += sampler_->evaluations(first_steps(q, left));
    if (left > 1) count -= sampler_->evaluations(first_steps(q, left - 1));
  }
  return count;
}

}  // namespace iddpm
