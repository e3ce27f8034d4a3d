#include "iddpm/diffusion/reverse_process.h"

#include <gtest/gtest.h>

#include "tests/expect_error.h"
#include "tests/random_images.h"

namespace iddpm::reverse_process_test {
namespace {

const std::vector<std::int64_t> shape = {3, 2, 4, 4};

Tensor x_t() { return random_noise(shape, 1).to(at::kDouble); }
Tensor timesteps(std::vector<std::int64_t> t) { return at::tensor(at::ArrayRef<std::int64_t>(t), at::kLong); }

bool near(const Tensor& a, const Tensor& b, double tolerance = 1e-9) {
  return at::allclose(a, b.expand_as(a), tolerance, tolerance);
}

ForwardProcess process(std::int64_t steps = 50) { return ForwardProcess(cosine_schedule({.steps = steps})); }

// A network that always gives the same output.
Network constant(Tensor output) {
  return [output](const Tensor&, const Tensor&) { return output; };
}

Tensor with_v(double v) {
  return at::cat({random_noise(shape, 2), at::full(shape, 2.0 * v - 1.0, at::kFloat)}, 1).to(at::kDouble);
}

TEST(LearnedVariance, AtVOneIsBeta) {
  const ReverseProcess p_theta(process(), {.variance = Variance::learned_range});
  const Tensor t = timesteps({0, 1, 49});
  const Prediction prediction = p_theta.predict(constant(with_v(1.0)), x_t(), t);
  EXPECT_TRUE(near(prediction.variance, at_timesteps(p_theta.q().schedule().beta, t, x_t())));
}

TEST(LearnedVariance, AtVZeroIsBetaTilde) {
  const ReverseProcess p_theta(process(), {.variance = Variance::learned_range});
  const Tensor t = timesteps({1, 20, 49});
  const Prediction prediction = p_theta.predict(constant(with_v(0.0)), x_t(), t);
  EXPECT_TRUE(near(prediction.variance, at_timesteps(p_theta.q().schedule().beta_tilde, t, x_t())));
  const Tensor first = timesteps({0, 0, 0});
  EXPECT_TRUE(near(p_theta.predict(constant(with_v(0.0)), x_t(), first).variance,
                   at::full({1}, p_theta.q().schedule().beta_tilde[1], at::kDouble)));
}

TEST(LearnedVariance, InBetweenIsInterpolatedInLogSpace) {
  const ReverseProcess p_theta(process(), {.variance = Variance::learned_range});
  const Tensor t = timesteps({1, 20, 49});
  const NoiseSchedule& s = p_theta.q().schedule();
  const Tensor product = at_timesteps(s.beta, t, x_t()) * at_timesteps(s.beta_tilde, t, x_t());
  EXPECT_TRUE(near(p_theta.predict(constant(with_v(0.5)), x_t(), t).variance, at::sqrt(product)));
}

TEST(LearnedVariance, MayBeTheLogarithmItself) {
  const Tensor output = with_v(0.2);
  const ReverseProcess p_theta(process(), {.variance = Variance::learned});
  const Prediction prediction = p_theta.predict(constant(output), x_t(), timesteps({1, 20, 49}));
  EXPECT_TRUE(near(prediction.log_variance, output.narrow(1, 2, 2)));
  EXPECT_TRUE(near(prediction.variance, at::exp(output.narrow(1, 2, 2))));
}

TEST(FixedVariance, IsOneOfTheBounds) {
  const Tensor t = timesteps({0, 1, 49});
  const ReverseProcess small(process(), {.variance = Variance::fixed_small});
  const ReverseProcess large(process(), {.variance = Variance::fixed_large});
  const NoiseSchedule& s = small.q().schedule();
  EXPECT_TRUE(near(small.predict(constant(x_t()), x_t(), t).variance, at_timesteps(s.beta_tilde, t, x_t())));
  EXPECT_TRUE(
      near(small.predict(constant(x_t()), x_t(), t).log_variance, at_timesteps(s.log_beta_tilde_clipped, t, x_t())));
  const Tensor expected = at::tensor({s.beta_tilde[1], s.beta[1], s.beta[49]}, at::kDouble).view({3, 1, 1, 1});
  EXPECT_TRUE(near(large.predict(constant(x_t()), x_t(), t).variance, expected));
  EXPECT_TRUE(near(large.predict(constant(x_t()), x_t(), t).log_variance, at::log(expected)));
}

TEST(ReverseProcess, MeansOfEveryKindAgreeWhereTheirPredictionsDo) {
  const ForwardProcess q = process();
  const Tensor t = timesteps({0, 20, 48});
  const Tensor x_0 = random_noise(shape, 3).to(at::kDouble);
  const auto mean = [&](Mean kind, const Tensor& output) {
    return ReverseProcess(q, {.mean = kind, .variance = Variance::fixed_small, .clip_x_0 = false})
        .predict(constant(output), x_t(), t);
  };
  const Prediction by_x_0 = mean(Mean::x_0, x_0);
  for (const Prediction& prediction : {mean(Mean::epsilon, q.noise_from_x_0(x_t(), t, x_0)),
                                       mean(Mean::previous_x, q.posterior(x_0, x_t(), t).mean)}) {
    EXPECT_TRUE(near(prediction.x_0, x_0));
    EXPECT_TRUE(near(prediction.mean, by_x_0.mean));
  }
}

// arXiv 2102.09672 eq. 13 gives the mean straight from epsilon.
TEST(ReverseProcess, MeanFromEpsilonIsThePapers) {
  const Tensor epsilon = random_noise(shape, 3).to(at::kDouble);
  const ReverseProcess p_theta(process(), {.variance = Variance::fixed_small, .clip_x_0 = false});
  const Tensor t = timesteps({1, 20, 48});
  const Tensor beta = at_timesteps(p_theta.q().schedule().beta, t, x_t());
  const Tensor alpha_bar = at_timesteps(p_theta.q().schedule().alpha_bar, t, x_t());
  const Tensor expected = (x_t() - beta / at::sqrt(1.0 - alpha_bar) * epsilon) / at::sqrt(1.0 - beta);
  EXPECT_TRUE(near(p_theta.predict(constant(epsilon), x_t(), t).mean, expected));
}

TEST(ReverseProcess, ClipsThePredictedImageIfAsked) {
  const Tensor x_0 = 3.0 * random_noise(shape, 3).to(at::kDouble);
  const ReverseProcess p_theta(process(), {.mean = Mean::x_0, .variance = Variance::fixed_small});
  const Tensor t = timesteps({1, 20, 48});
  const Prediction clipped = p_theta.predict(constant(x_0), x_t(), t);
  EXPECT_TRUE(near(clipped.x_0, x_0.clamp(-1.0, 1.0)));
  EXPECT_TRUE(near(clipped.mean, p_theta.q().posterior(clipped.x_0, x_t(), t).mean));
  EXPECT_TRUE(near(p_theta.predict(constant(x_0), x_t(), t, false).x_0, x_0));
}

// What the network was shown, and zeros for an output.
struct Shown {
  Tensor t;
  Network network() {
    return [this](const Tensor& x, const Tensor& seen) {
      t = seen;
      return at::zeros_like(x);
    };
  }
};

TEST(ReverseProcess, ShowsTheNetworkTimestepsOfAThousand) {
  Shown shown;
  const ReverseProcess p_theta(process(4000), {.variance = Variance::fixed_small});
  p_theta.network_output(shown.network(), x_t(), timesteps({0, 4, 3999}));
  EXPECT_EQ(shown.t.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(shown.t, at::tensor({0.0f, 1.0f, 999.75f})));
}

TEST(ReverseProcess, ShowsTheNetworkPlainTimestepsIfAsked) {
  Shown shown;
  const ReverseProcess p_theta(process(4000), {.variance = Variance::fixed_small, .rescale_timesteps = false});
  p_theta.network_output(shown.network(), x_t(), timesteps({0, 4, 3999}));
  EXPECT_TRUE(at::equal(shown.t, timesteps({0, 4, 3999})));
}

TEST(RespacedProcess, ShowsTheNetworkTheTimestepsItWasTrainedWith) {
  Shown shown;
  const ReverseProcess full(process(2000), {.variance = Variance::fixed_small});
  const ReverseProcess respaced = full.respaced("5");
  EXPECT_EQ(respaced.steps(), 5);
  EXPECT_EQ(respaced.timestep_map(), (std::vector<std::int64_t>{0, 500, 1000, 1499, 1999}));
  respaced.network_output(shown.network(), x_t(), timesteps({0, 1, 4}));
  EXPECT_TRUE(at::equal(shown.t, at::tensor({0.0f, 250.0f, 999.5f})));
  const ReverseProcess twice = respaced.respaced(std::vector<std::int64_t>{1, 4});
  EXPECT_EQ(twice.timestep_map(), (std::vector<std::int64_t>{500, 1999}));
  twice.network_output(shown.network(), x_t(), timesteps({0, 1, 1}));
  EXPECT_TRUE(at::equal(shown.t, at::tensor({250.0f, 999.5f, 999.5f})));
}

TEST(RespacedProcess, TakesItsVarianceFromTheShortenedSchedule) {
  const ReverseProcess p_theta = ReverseProcess(process(2000), {.variance = Variance::learned_range}).respaced("5");
  const Tensor t = timesteps({1, 2, 4});
  const double alpha_bar_500 = process(2000).schedule().alpha_bar[500];
  const double beta = 1.0 - process(2000).schedule().alpha_bar[1000] / alpha_bar_500;
  EXPECT_NEAR(p_theta.predict(constant(with_v(1.0)), x_t(), t).variance[1][0][0][0].item<double>(), beta, 1e-12);
}

TEST(RespacedProcess, WithAllTimestepsIsTheProcessItself) {
  const ReverseProcess p_theta(process(), {.variance = Variance::learned_range});
  for (const ReverseProcess& same : {p_theta.respaced(""), p_theta.respaced("50"), p_theta.respaced("ddim50")}) {
    EXPECT_EQ(same.timestep_map(), p_theta.timestep_map());
    EXPECT_EQ(same.q().schedule().beta, p_theta.q().schedule().beta);
    const Tensor t = timesteps({0, 7, 49});
    EXPECT_TRUE(at::equal(same.predict(constant(with_v(0.3)), x_t(), t).mean,
                          p_theta.predict(constant(with_v(0.3)), x_t(), t).mean));
  }
}

TEST(ReverseProcess, MakesADenoiserOfANetworkThatOutlivesIt) {
  auto p_theta = std::make_unique<ReverseProcess>(
      ReverseProcess(process(2000), {.variance = Variance::learned_range}).respaced("5"));
  const Tensor t = timesteps({0, 1, 4});
  const Prediction expected = p_theta->predict(constant(with_v(0.3)), x_t(), t);
  const Denoiser denoiser = p_theta->denoiser(constant(with_v(0.3)));
  p_theta.reset();
  const Prediction prediction = denoiser(x_t(), t);
  EXPECT_TRUE(at::equal(prediction.mean, expected.mean));
  EXPECT_TRUE(at::equal(prediction.variance, expected.variance));
  EXPECT_TRUE(at::equal(prediction.log_variance, expected.log_variance));
  EXPECT_TRUE(at::equal(prediction.x_0, expected.x_0));
}

TEST(ReverseProcess, GivesTheOutputInTheImagesType) {
  const ReverseProcess p_theta(process());
  EXPECT_EQ(p_theta.network_output(constant(with_v(0.3).to(at::kBFloat16)), x_t().to(at::kFloat), timesteps({0, 7, 49}))
                .scalar_type(),
            at::kFloat);
}

TEST(ReverseProcess, RefusesWhatDoesntFit) {
  const Tensor t = timesteps({0, 7, 49});
  const ReverseProcess fixed(process(), {.variance = Variance::fixed_small});
  expect_error([&] { fixed.predict(constant(with_v(0.0)), x_t(), t); }, {"[3, 2, 4, 4]", "fixed", "[3, 4, 4, 4]"});
  const ReverseProcess learned(process(), {.variance = Variance::learned_range});
  expect_error([&] { learned.predict(constant(x_t()), x_t(), t); }, {"[3, 4, 4, 4]", "learned", "[3, 2, 4, 4]"});
  expect_error([&] { learned.prediction_from_output(x_t(), x_t(), t); }, {"[3, 4, 4, 4]"});
  expect_error([&] { learned.predict(constant(x_t()), x_t()[0], t); }, {"[N, C, H, W]", "[2, 4, 4]"});
  expect_error([&] { learned.network_output(constant(x_t()), x_t(), timesteps({0, 7, 50})); }, {"0 to 49", "50"});
  expect_error([&] { learned.respaced("51"); }, {"'51'", "50 timesteps"});
}

TEST(ReverseProcess, RefusesToPredictEpsilonWhereNoSignalIsLeft) {
  const ForwardProcess q(NoiseSchedule({0.5, 1.0}));
  expect_error([&] { ReverseProcess(q, {.mean = Mean::epsilon}); }, {"epsilon", "t = 1", "alpha_bar"});
  EXPECT_NO_THROW(ReverseProcess(q, {.mean = Mean::previous_x}));
  EXPECT_NO_THROW(ReverseProcess(q, {.mean = Mean::x_0}));
  const ForwardProcess longer(NoiseSchedule({0.5, 1.0, 0.5}));
  expect_error([&] { ReverseProcess(longer, {.mean = Mean::previous_x}); }, {"x_{t-1}", "t = 2"});
}

// Every kind of variance, at every t, from the noisiest to the last.
TEST(Velocity, PredictsWhatTheEpsilonThatItMeansPredicts) {
  const ForwardProcess q = process();
  const Tensor t = timesteps({0, 20, 48});
  const Tensor x_0 = random_images(shape, 4).to(at::kDouble), noise = random_noise(shape, 5).to(at::kDouble);
  const Tensor x = q.sample(x_0, t, noise), v = q.velocity(x_0, t, noise);
  const Tensor of_variance = at::full_like(x, 0.3);
  for (Variance variance : {Variance::fixed_small, Variance::fixed_large, Variance::learned, Variance::learned_range}) {
    const auto output = [&](const Tensor& of_mean) {
      return is_learned(variance) ? at::cat({of_mean, of_variance}, 1) : of_mean;
    };
    const ReverseProcess by_v(q, {.mean = Mean::velocity, .variance = variance, .clip_x_0 = false});
    const ReverseProcess by_epsilon(q, {.mean = Mean::epsilon, .variance = variance, .clip_x_0 = false});
    const Prediction a = by_v.prediction_from_output(output(v), x, t);
    const Prediction b = by_epsilon.prediction_from_output(output(noise), x, t);
    EXPECT_TRUE(near(a.x_0, x_0));
    EXPECT_TRUE(near(a.x_0, b.x_0, 1e-6));
    EXPECT_TRUE(near(a.mean, b.mean, 1e-6));
    EXPECT_TRUE(near(a.variance, b.variance));
  }
}

TEST(Velocity, HasThePublishedSigns) {
  // Salimans & Ho 2022: v = alpha epsilon - sigma x.
  const ForwardProcess q = process();
  const Tensor t = timesteps({20, 20, 20});
  const double alpha = std::sqrt(q.schedule().alpha_bar[20]), sigma = std::sqrt(1.0 - q.schedule().alpha_bar[20]);
  const Tensor x_0 = random_images(shape, 4).to(at::kDouble), noise = random_noise(shape, 5).to(at::kDouble);
  EXPECT_TRUE(near(q.velocity(x_0, t, noise), alpha * noise - sigma * x_0));
}

TEST(Velocity, MagnifiesNoErrorAtTheNoisyEnd) {
  const ForwardProcess q = process();
  const Tensor t = timesteps({49, 49, 49});
  const Tensor error = at::full(shape, 0.1, at::kDouble), output = random_noise(shape, 5).to(at::kDouble);
  const Tensor of_v = q.x_0_from_velocity(x_t(), t, output + error) - q.x_0_from_velocity(x_t(), t, output);
  const Tensor of_epsilon = q.x_0_from_noise(x_t(), t, output + error) - q.x_0_from_noise(x_t(), t, output);
  EXPECT_LT(of_v.abs().max().item<double>(), 0.1 + 1e-6);
  EXPECT_GT(of_epsilon.abs().max().item<double>(), 50.0);
}

TEST(Velocity, WorksOnASchedulesWhoseSignalEndsWhereEpsilonIsRefused) {
  std::vector<double> betas = cosine_schedule({.steps = 20}).beta;
  betas.back() = 1.0;
  const ForwardProcess q{NoiseSchedule(betas)};
  expect_error([&] { ReverseProcess(q, {.mean = Mean::epsilon}); }, {"epsilon", "v"});
  const ReverseProcess p_theta(q, {.mean = Mean::velocity, .variance = Variance::learned_range});
  const Tensor t = timesteps({19, 19, 0});
  const Tensor output = at::cat({random_noise(shape, 5), at::zeros(shape)}, 1).to(at::kDouble);
  const Prediction prediction = p_theta.prediction_from_output(output, x_t(), t, false);
  for (const Tensor& part : {prediction.x_0, prediction.mean, prediction.variance, prediction.log_variance}) {
    EXPECT_TRUE(at::isfinite(part).all().item<bool>());
  }
  // All that is left to see is noise: x_0 is -v.
  EXPECT_TRUE(near(prediction.x_0[0], -output[0].narrow(0, 0, 2)));
  const ReverseProcess shortened = p_theta.respaced("5");
  EXPECT_EQ(shortened.timestep_map().back(), 19);
}

}  // namespace
}  // namespace iddpm::reverse_process_test
