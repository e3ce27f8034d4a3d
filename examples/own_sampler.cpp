// A sampler of one's own, tried on a denoiser that is exact: that of a data set of two images.
//
// The sampler jumps to the image predicted and adds noise to it anew, as much as the next step has (multistep sampling
// of Song et al. 2023, arXiv 2303.01469, algorithm 1). To have it in the program, put it into iddpm/samplers/ and a
// line into registry.cpp: see docs/hacking.md.

#include <iddpm/iddpm.h>
#include <iddpm/samplers/single_step_run.h>

#include <cmath>
#include <cstdio>

using namespace iddpm;

class RenoisingSampler : public Sampler {
 public:
  std::unique_ptr<SamplingRun> start(const ForwardProcess& q, Denoiser denoiser, Tensor x_T,
                                     NoiseSource noise) const override {
    const auto step = [q, denoiser, noise](const Tensor& x_t, const auto& t, std::int64_t k) {
      const Tensor x_0 = denoiser(x_t, t).x_0;
      const bool last = k + 1 == q.steps();
      if (last) return SingleStepResult{.x = x_0, .x_0 = x_0};
      const double alpha_bar = q.schedule().alpha_bar_previous[static_cast<std::size_t>(q.steps() - 1 - k)];
      return SingleStepResult{.x = std::sqrt(alpha_bar) * x_0 + std::sqrt(1 - alpha_bar) * noise(k + 1), .x_0 = x_0};
    };
    return single_step_run(descending_timesteps(q.steps()), std::move(x_T), step);
  }
};

// E[x_0 | x_t] where x_0 is one of the images, each as likely: the best that a network could learn.
Denoiser ideal_denoiser(const ForwardProcess& q, const Tensor& images) {
  return [q, images](const Tensor& x_t, const auto& t) {
    std::vector<Tensor> log_likelihoods;
    for (std::int64_t i = 0; i < images.size(0); ++i) {
      const Gaussian x = q.moments(images[i].expand_as(x_t), t);
      log_likelihoods.push_back((-at::square(x_t - x.mean) / (2 * x.variance)).sum({1, 2, 3}));
    }
    const Tensor probabilities = at::stack(log_likelihoods, 1).softmax(1);
    Prediction prediction;
    prediction.x_0 = at::einsum("ni,ichw->nchw", {probabilities, images});
    return prediction;
  };
}

int main() {
  const Tensor stripes = (at::arange(16) % 4 < 2).to(at::kFloat).mul(2).sub(1).expand({1, 16, 16});
  const Tensor images = at::stack({stripes, stripes.transpose(1, 2)});  // lying and standing
  const ForwardProcess q(cosine_schedule({.steps = 50}));

  const Tensor samples = RenoisingSampler().run(
      q, ideal_denoiser(q, images), SamplingOptions{.seeds = {0, 1, 2, 3, 4, 5, 6, 7}, .image_shape = {1, 16, 16}});
  write_png("own_sampler.png", image_grid(samples, {.columns = 8, .upscale = 4}));

  // Every sample is one of the two images.
  const Tensor distances = at::square(samples.unsqueeze(1) - images).mean({2, 3, 4});
  const double farthest = std::get<0>(distances.min(1)).max().item<double>();
  std::printf("own_sampler.png: 8 samples, at most %.4f from an image of the data\n", farthest);
  return farthest < 0.01 ? 0 : 1;
}
