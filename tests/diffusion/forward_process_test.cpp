#include "iddpm/diffusion/forward_process.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/expect_error.h"
#include "tests/random_images.h"

namespace iddpm::forward_process_test {
namespace {

const std::vector<std::int64_t> shape = {3, 2, 4, 4};

Tensor images() { return random_images(shape, 1).to(at::kDouble); }
Tensor noise() { return random_noise(shape, 2).to(at::kDouble); }
Tensor timesteps(std::vector<std::int64_t> t) { return at::tensor(at::ArrayRef<std::int64_t>(t), at::kLong); }

bool near(const Tensor& a, const Tensor& b, double tolerance = 1e-9) {
  return at::allclose(a, b.expand_as(a), tolerance, tolerance);
}

TEST(ForwardProcess, SamplesWithTheMomentsOfItsDistribution) {
  const ForwardProcess q(cosine_schedule({.steps = 50}));
  const Tensor t = timesteps({0, 20, 49});
  const Gaussian moments = q.moments(images(), t);
  EXPECT_TRUE(near(q.sample(images(), t, noise()), moments.mean + at::sqrt(moments.variance) * noise()));
  EXPECT_TRUE(near(moments.log_variance, at::log(moments.variance)));
}

TEST(ForwardProcess, StepsLeadWhereASampleLeadsAtOnce) {
  const ForwardProcess q(linear_schedule({.steps = 30}));
  Tensor x = images();
  Tensor variance = at::zeros({3, 1, 1, 1}, at::kDouble);
  for (std::int64_t t = 0; t < 30; ++t) {
    const Tensor t_batch = at::full({3}, t, at::kLong);
    x = q.step(x, t_batch, at::zeros_like(x));
    const Tensor beta = at_timesteps(q.schedule().beta, t_batch, x);
    variance = (1.0 - beta) * variance + beta;
    const Gaussian moments = q.moments(images(), t_batch);
    EXPECT_TRUE(near(x, moments.mean));
    EXPECT_TRUE(near(variance, moments.variance));
  }
  const Tensor t = timesteps({0, 5, 29});
  EXPECT_TRUE(near(q.step(images(), t, noise()) - q.step(images(), t, at::zeros_like(noise())),
                   at::sqrt(at_timesteps(q.schedule().beta, t, noise())) * noise()));
}

TEST(ForwardProcess, RecoversTheImageAndTheNoise) {
  const ForwardProcess q(cosine_schedule({.steps = 50}));
  const Tensor t = timesteps({0, 20, 48});
  const Tensor x_t = q.sample(images(), t, noise());
  EXPECT_TRUE(near(q.x_0_from_noise(x_t, t, noise()), images()));
  EXPECT_TRUE(near(q.noise_from_x_0(x_t, t, images()), noise()));
  EXPECT_TRUE(near(q.x_0_from_previous(x_t, t, q.posterior(images(), x_t, t).mean), images()));
}

TEST(ForwardProcess, PosteriorOfTheFirstStepIsTheImage) {
  const ForwardProcess q(cosine_schedule({.steps = 50}));
  const Tensor t = timesteps({0, 0, 0});
  const Gaussian posterior = q.posterior(images(), noise(), t);
  EXPECT_TRUE(near(posterior.mean, images()));
  EXPECT_TRUE(near(posterior.variance, at::zeros({1}, at::kDouble)));
  EXPECT_TRUE(near(posterior.log_variance, at::full({1}, std::log(q.schedule().beta_tilde[1]), at::kDouble)));
}

TEST(ForwardProcess, TreatsEachImageOfABatchAlone) {
  const ForwardProcess q(cosine_schedule({.steps = 50}));
  const Tensor t = timesteps({3, 40, 17});
  const Tensor together = q.sample(images(), t, noise());
  for (std::int64_t i = 0; i < 3; ++i) {
    const Tensor alone = q.sample(images().narrow(0, i, 1), t.narrow(0, i, 1), noise().narrow(0, i, 1));
    EXPECT_TRUE(at::equal(together.narrow(0, i, 1), alone));
  }
}

TEST(ForwardProcess, PriorTermIsTheDivergenceFromPureNoise) {
  const ForwardProcess q(linear_schedule({.steps = 10}));
  const double alpha_bar = q.schedule().alpha_bar.back();
  const Tensor squares = at::square(images()).flatten(1).mean(1);
  const Tensor nats = 0.5 * (alpha_bar * squares - alpha_bar - std::log(1.0 - alpha_bar));
  EXPECT_TRUE(near(q.prior_bits(images()), nats / std::log(2.0)));
}

TEST(ForwardProcess, NoiseIsDefinedWhereNoSignalIsLeft) {
  const ForwardProcess q(NoiseSchedule({0.5, 1.0}));
  const Tensor t = timesteps({1, 1, 1});
  EXPECT_TRUE(near(q.noise_from_x_0(noise(), t, images()), noise()));
}

TEST(ForwardProcess, KeepsTheTypeOfTheImages) {
  const ForwardProcess q(cosine_schedule({.steps = 50}));
  const Tensor t = timesteps({3, 40, 17});
  EXPECT_EQ(q.sample(images(), t, noise()).scalar_type(), at::kDouble);
  EXPECT_EQ(q.sample(images().to(at::kFloat), t, noise().to(at::kFloat)).scalar_type(), at::kFloat);
  EXPECT_EQ(q.posterior(images().to(at::kFloat), noise().to(at::kFloat), t).variance.scalar_type(), at::kFloat);
}

TEST(ForwardProcess, RefusesWhatDoesntFit) {
  const ForwardProcess q(cosine_schedule({.steps = 50}));
  const auto sample_at = [&](const Tensor& t) { return [&q, t] { q.sample(images(), t, noise()); }; };
  expect_error(sample_at(timesteps({0, 1, 50})), {"0 to 49", "got 50"});
  expect_error(sample_at(timesteps({0, -1, 2})), {"0 to 49", "got -1"});
  expect_error(sample_at(timesteps({0, 1})), {"3 images", "got 2"});
  expect_error(sample_at(at::zeros({3})), {"int64", "Float"});
  expect_error(sample_at(at::zeros({3, 1}, at::kLong)), {"[3, 1]"});
  expect_error(sample_at(Tensor()), {"none"});
  expect_error(
      [&] {
        q.sample(images(), timesteps({0, 1, 2}), noise().narrow(0, 0, 2));
      },
      {"[3, 2, 4, 4]", "[2, 2, 4, 4]"});
  expect_error([&] { q.moments(images().to(at::kByte), timesteps({0, 1, 2})); }, {"floating-point", "Byte"});
}

}  // namespace
}  // namespace iddpm::forward_process_test
