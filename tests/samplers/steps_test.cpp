#include <gtest/gtest.h>

#include "iddpm/samplers/ancestral.h"
#include "iddpm/samplers/ddim.h"
#include "iddpm/samplers/guidance.h"
#include "tests/expect_error.h"
#include "tests/random_images.h"
#include "tests/samplers/toy_process.h"

namespace iddpm {
namespace {

const std::vector<std::int64_t> shape = {3, 2, 4, 4};

Tensor x_t() { return random_noise(shape, 1).to(at::kDouble); }
Tensor noise() { return random_noise(shape, 2).to(at::kDouble); }
Tensor timesteps(std::vector<std::int64_t> t) { return at::tensor(at::ArrayRef<std::int64_t>(t), at::kLong); }
bool near(const Tensor& a, const Tensor& b) { return at::allclose(a, b.expand_as(a), 1e-9, 1e-9); }

// The toy network in a process that neither clips nor learns, respaced or not.
ReverseProcess process(bool respaced = false) {
  const ReverseProcess p_theta(ForwardProcess(cosine_schedule({.steps = 400})),
                               {.variance = Variance::fixed_small, .clip_x_0 = false});
  return p_theta.respaced(respaced ? "20" : "");
}

TEST(AncestralStep, AddsNoiseOfTheVarianceExceptInTheLastStep) {
  const ReverseProcess p_theta = process(true);
  const Tensor t = timesteps({0, 1, 19});
  const Prediction p = toy_denoiser(p_theta)(x_t(), t);
  const Tensor x = ancestral_step(p_theta.q(), p, t, noise());
  EXPECT_TRUE(at::equal(x[0], p.mean[0]));
  EXPECT_TRUE(near(x.narrow(0, 1, 2), (p.mean + at::sqrt(p.variance) * noise()).narrow(0, 1, 2)));
}

TEST(AncestralStep, NeedsNoiseOnlyAboveTheFirstTimestep) {
  const ReverseProcess p_theta = process();
  const Tensor first = timesteps({0, 0, 0}), t = timesteps({0, 0, 1});
  const Prediction p = toy_denoiser(p_theta)(x_t(), first);
  EXPECT_TRUE(at::equal(ancestral_step(p_theta.q(), p, first, Tensor()), p.mean));
  expect_error([&] { ancestral_step(p_theta.q(), p, t, Tensor()); }, {"noise", "none"});
  expect_error([&] { ancestral_step(p_theta.q(), p, t, noise().narrow(0, 0, 1)); }, {"[3, 2, 4, 4]", "[1, 2, 4, 4]"});
  expect_error([&] { ancestral_step(p_theta.q(), p, timesteps({0, 0, 400}), noise()); }, {"0 to 399", "400"});
}

TEST(Ddim, AtEtaOneIsAncestralSamplingWithBetaTilde) {
  for (bool respaced : {false, true}) {
    const ReverseProcess p_theta = process(respaced);
    const Tensor t = timesteps({1, 12, p_theta.steps() - 1});
    const Prediction p = toy_denoiser(p_theta)(x_t(), t);
    const Tensor still = ddim_step(p_theta.q(), p, x_t(), t, at::zeros_like(noise()), 1.0);
    const Tensor moved = ddim_step(p_theta.q(), p, x_t(), t, at::ones_like(noise()), 1.0);
    EXPECT_TRUE(near(at::square(moved - still), at_timesteps(p_theta.q().schedule().beta_tilde, t, x_t())));
    EXPECT_TRUE(near(ddim_step(p_theta.q(), p, x_t(), t, noise(), 1.0), ancestral_step(p_theta.q(), p, t, noise())));
  }
}

TEST(Ddim, AtEtaZeroMovesTheImageAndItsNoiseAlone) {
  const ReverseProcess p_theta = process(true);
  const Tensor t = timesteps({0, 7, 19});
  const Prediction p = toy_denoiser(p_theta)(x_t(), t);
  const Tensor epsilon = p_theta.q().noise_from_x_0(x_t(), t, p.x_0);
  const Tensor alpha_bar = at_timesteps(p_theta.q().schedule().alpha_bar_previous, t, x_t());
  EXPECT_TRUE(near(ddim_step(p_theta.q(), p, x_t(), t, Tensor(), 0.0),
                   at::sqrt(alpha_bar) * p.x_0 + at::sqrt(1.0 - alpha_bar) * epsilon));
}

TEST(Ddim, ScalesItsNoiseByEta) {
  const ReverseProcess p_theta = process();
  const Tensor t = timesteps({1, 12, 300});
  const Prediction p = toy_denoiser(p_theta)(x_t(), t);
  const auto deviation = [&](double eta) {
    return ddim_step(p_theta.q(), p, x_t(), t, at::ones_like(noise()), eta) -
           ddim_step(p_theta.q(), p, x_t(), t, at::zeros_like(noise()), eta);
  };
  EXPECT_TRUE(near(deviation(0.5), 0.5 * deviation(1.0)));
  expect_error([&] { ddim_step(p_theta.q(), p, x_t(), t, Tensor(), 0.5); }, {"noise", "none"});
}

TEST(Ddim, DrawsNothingButTheLatentWhereItIsDeterministic) {
  const NoiseSource latent_only = [](std::int64_t draw) {
    require(draw == 0, "draw {}", draw);
    return x_t();
  };
  const ReverseProcess p_theta = process(true);
  EXPECT_NO_THROW(DdimSampler().run(p_theta.q(), toy_denoiser(p_theta), latent_only));
  expect_error([&] { DdimSampler({.eta = 0.5}).run(p_theta.q(), toy_denoiser(p_theta), latent_only); }, {"draw 1"});
}

TEST(Ddim, RefusesAnEtaOutOfRange) {
  expect_error([] { DdimSampler({.eta = -0.1}); }, {"[0, 1]", "-0.1"});
  expect_error([] { DdimSampler({.eta = 1.5}); }, {"1.5"});
  expect_error([] { DdimSampler({.eta = std::nan("")}); }, {"nan"});
}

double reconstruction_error(const ReverseProcess& p_theta, const Network& network, const Tensor& x_0) {
  const Denoiser denoiser = p_theta.denoiser(network);
  const Tensor latent = DdimInversion().run(p_theta.q(), denoiser, x_0);
  std::unique_ptr<SamplingRun> sampling = DdimSampler().start(p_theta.q(), denoiser, latent, nullptr);
  Tensor x;
  while (const auto state = sampling->next()) x = state->x;
  return (x - x_0).abs().max().item<double>();
}

TEST(DdimInversion, LeadsToALatentThatSamplesTheImage) {
  const NoiseSchedule schedule = cosine_schedule({.steps = 4000});
  const Tensor x_0 = 0.4 * random_noise(shape, 5).to(at::kDouble);
  const ReverseProcess p_theta = gaussian_process(schedule);
  const Network network = gaussian_network(schedule, 0.4);
  const double coarse = reconstruction_error(p_theta.respaced("50"), network, x_0);
  const double fine = reconstruction_error(p_theta.respaced("500"), network, x_0);
  EXPECT_LT(coarse, 0.15);
  EXPECT_LT(fine, coarse / 5.0);
}

TEST(DdimInversion, GivesLatentsOfTheNormalDistribution) {
  const NoiseSchedule schedule = cosine_schedule({.steps = 4000});
  const ReverseProcess p_theta = gaussian_process(schedule).respaced("200");
  const Tensor x_0 = 0.4 * random_noise({4, 3, 16, 16}, 5).to(at::kDouble);
  const Tensor latent = DdimInversion().run(p_theta.q(), p_theta.denoiser(gaussian_network(schedule, 0.4)), x_0);
  EXPECT_NEAR(latent.std().item<double>(), 1.0, 0.06);
}

TEST(DdimInversion, CanBeWatchedAndStaysFiniteHoweverShort) {
  for (std::int64_t steps : {1, 2, 5}) {
    const ReverseProcess p_theta = toy_process(steps);
    const Tensor x_0 = random_images(shape, 5);
    SamplingSteps watched = DdimInversion().watch(p_theta.q(), toy_denoiser(p_theta), x_0);
    EXPECT_EQ(watched.steps(), steps);
    Tensor last;
    std::int64_t t = 0;
    for (const SamplingState& state : watched) {
      EXPECT_EQ(state.t, t++);
      EXPECT_TRUE(at::isfinite(state.x).all().item<bool>());
      last = state.x;
    }
    EXPECT_EQ(t, steps);
    EXPECT_TRUE(at::equal(last, DdimInversion().run(p_theta.q(), toy_denoiser(p_theta), x_0)));
  }
}

TEST(Guidance, WithoutAGradientChangesNothing) {
  const ReverseProcess p_theta = process();
  const Tensor t = timesteps({1, 12, 300}), none = at::zeros_like(x_t());
  const Prediction p = toy_denoiser(p_theta)(x_t(), t);
  EXPECT_TRUE(at::equal(guide_mean(p, none).mean, p.mean));
  EXPECT_TRUE(near(guide_epsilon(p_theta.q(), p, x_t(), t, none).x_0, p.x_0));
  EXPECT_TRUE(near(guide_epsilon(p_theta.q(), p, x_t(), t, none).mean, p.mean));
}

// Where images are drawn from N(0, 1), so is x_t, and a perfect network's epsilon is sqrt(1 - alpha_bar) x_t.
TEST(Guidance, MovesEpsilonAgainstTheGradient) {
  const NoiseSchedule schedule = cosine_schedule({.steps = 400});
  const ReverseProcess p_theta = gaussian_process(schedule);
  const Tensor t = timesteps({1, 12, 300});
  const Prediction p = p_theta.predict(gaussian_network(schedule, 1.0), x_t(), t);
  const Tensor gradient = noise();
  const Prediction guided = guide_epsilon(p_theta.q(), p, x_t(), t, gradient);
  const Tensor scale = at::sqrt(1.0 - at_timesteps(p_theta.q().schedule().alpha_bar, t, x_t()));
  EXPECT_TRUE(near(p_theta.q().noise_from_x_0(x_t(), t, guided.x_0), scale * (x_t() - gradient)));
  EXPECT_TRUE(near(guided.mean, p_theta.q().posterior(guided.x_0, x_t(), t).mean));
  EXPECT_TRUE(near(guide_mean(p, gradient).mean - p.mean, p.variance * gradient));
}

TEST(Guidance, WrapsADenoiserIntoAGuidedOne) {
  const ReverseProcess p_theta = process();
  const Denoiser denoiser = toy_denoiser(p_theta);
  const GuidanceGradient gradient = [](const Tensor& x, const Tensor& t) {
    return at::sin(x) + t.view({-1, 1, 1, 1}).to(x.scalar_type()) / 400.0;
  };
  const Tensor t = timesteps({1, 12, 300});
  const Prediction p = denoiser(x_t(), t);
  const Tensor scaled = 1.5 * gradient(x_t(), t);
  EXPECT_TRUE(at::equal(mean_guided(denoiser, gradient, 1.5)(x_t(), t).mean, guide_mean(p, scaled).mean));
  const Prediction by_wrapper = epsilon_guided(p_theta.q(), denoiser, gradient, 1.5)(x_t(), t);
  const Prediction by_hand = guide_epsilon(p_theta.q(), p, x_t(), t, scaled);
  EXPECT_TRUE(at::equal(by_wrapper.x_0, by_hand.x_0));
  EXPECT_TRUE(at::equal(by_wrapper.mean, by_hand.mean));
}

// Of images drawn from N(0, 0.4^2) per value with a likelihood exp(a x_0), x_0 has the mean 0.16 a; the gradient of
// log p(y | x_t) is a times d E[x_0 | x_t] / d x_t.
TEST(Guidance, LeadsSamplesToTheConditionedDistribution) {
  const NoiseSchedule schedule = cosine_schedule({.steps = 1000});
  const ReverseProcess p_theta = gaussian_process(schedule).respaced("200");
  const Denoiser denoiser = p_theta.denoiser(gaussian_network(schedule, 0.4));
  const double a = 2.0;
  const GuidanceGradient gradient = [&](const Tensor& x, const Tensor& t) {
    const Tensor alpha_bar = at_timesteps(p_theta.q().schedule().alpha_bar, t, x);
    return (a * at::sqrt(alpha_bar) * 0.16 / (alpha_bar * 0.16 + 1.0 - alpha_bar)).expand_as(x);
  };
  const SamplingOptions images = {.seeds = {1, 2, 3, 4}, .image_shape = {1, 16, 16}};
  const Tensor ancestral = AncestralSampler().run(p_theta.q(), mean_guided(denoiser, gradient), images);
  const Tensor ddim = DdimSampler().run(p_theta.q(), epsilon_guided(p_theta.q(), denoiser, gradient), images);
  for (const Tensor& x : {ancestral, ddim}) {
    EXPECT_NEAR(x.mean().item<double>(), 0.16 * a, 0.04);
    EXPECT_NEAR(x.std().item<double>(), 0.4, 0.04);
  }
}

TEST(Guidance, RefusesAGradientOfAnotherShape) {
  const ReverseProcess p_theta = process();
  const Tensor t = timesteps({1, 12, 300});
  const Prediction p = toy_denoiser(p_theta)(x_t(), t);
  expect_error([&] { guide_mean(p, noise()[0]); }, {"[3, 2, 4, 4]", "[2, 4, 4]"});
  expect_error([&] { guide_epsilon(p_theta.q(), p, x_t(), t, noise()[0]); }, {"gradient", "[2, 4, 4]"});
}

}  // namespace
}  // namespace iddpm
