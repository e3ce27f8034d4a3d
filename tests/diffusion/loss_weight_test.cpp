#include "iddpm/diffusion/loss_weight.h"

#include <gtest/gtest.h>

#include "iddpm/diffusion/losses.h"
#include "tests/expect_error.h"
#include "tests/random_images.h"

namespace iddpm::loss_weight_test {
namespace {

const std::vector<std::int64_t> shape = {5, 2, 4, 4};

Tensor x_0() { return random_images(shape, 1).to(at::kDouble); }
Tensor noise() { return random_noise(shape, 2).to(at::kDouble); }
Tensor timesteps() { return at::tensor({0, 10, 25, 40, 48}, at::kLong); }
NoiseSchedule schedule() { return cosine_schedule({.steps = 50}); }

// The loss of a network whose prediction corresponds to the image `guess`, whatever it predicts.
Tensor loss_of_guess(Mean mean, const Tensor& guess, const LossWeighting& weighting) {
  const ForwardProcess q(schedule());
  const Tensor t = timesteps(), x_t = q.sample(x_0(), t, noise());
  const Tensor epsilon = q.noise_from_x_0(x_t, t, guess);
  const Tensor output = mean == Mean::epsilon ? epsilon : mean == Mean::x_0 ? guess : q.velocity(guess, t, epsilon);
  const Network network = [output](const Tensor&, const Tensor&) { return output; };
  const ReverseProcess p_theta(q, {.mean = mean, .variance = Variance::fixed_small});
  return training_losses(p_theta, network, x_0(), t, noise(), Objective::simple, weighting).mse;
}

TEST(LossWeight, MakesTheLossTheSameWhateverIsPredicted) {
  const Tensor guess = random_images(shape, 3).to(at::kDouble);
  for (LossWeight weight : {LossWeight::simple, LossWeight::min_snr, LossWeight::p2}) {
    const LossWeighting weighting = {.weight = weight, .floor = 0.0};
    const Tensor of_epsilon = loss_of_guess(Mean::epsilon, guess, weighting);
    EXPECT_TRUE(at::allclose(loss_of_guess(Mean::x_0, guess, weighting), of_epsilon, 1e-6));
    EXPECT_TRUE(at::allclose(loss_of_guess(Mean::velocity, guess, weighting), of_epsilon, 1e-6));
  }
}

TEST(LossWeight, SimpleIsTheErrorOfEpsilonAsItIs) {
  const Tensor guess = random_images(shape, 3).to(at::kDouble);
  EXPECT_TRUE(at::equal(loss_of_guess(Mean::epsilon, guess, {.weight = LossWeight::simple}),
                        loss_of_guess(Mean::epsilon, guess, {})));
}

TEST(LossWeight, MinSnrOfVIsDividedBySnrPlusOne) {
  const NoiseSchedule s = schedule();
  const auto weights = loss_weights(s, Mean::velocity, {.weight = LossWeight::min_snr, .floor = 0.0, .snr_limit = 5.0});
  for (std::size_t t = 0; t < weights.size(); ++t) {
    const double snr = s.alpha_bar[t] / (1.0 - s.alpha_bar[t]);
    EXPECT_NEAR(weights[t], std::min(snr, 5.0) / (snr + 1.0), 1e-12) << t;
  }
}

TEST(LossWeight, P2IsTheErrorOfEpsilonOverSnrPlusOne) {
  const NoiseSchedule s = schedule();
  const auto of_epsilon = loss_weights(s, Mean::epsilon, {.weight = LossWeight::p2, .floor = 0.0});
  const auto of_v = loss_weights(s, Mean::velocity, {.weight = LossWeight::p2, .floor = 0.0});
  for (std::size_t t = 0; t < of_v.size(); ++t) {
    const double snr = s.alpha_bar[t] / (1.0 - s.alpha_bar[t]);
    EXPECT_NEAR(of_epsilon[t], 1.0 / (snr + 1.0), 1e-12) << t;
    EXPECT_NEAR(of_v[t], of_epsilon[t] * s.alpha_bar[t], 1e-12) << t;
  }
}

TEST(LossWeight, HasAFloorAtTheNoisyEnd) {
  const NoiseSchedule s = schedule();
  for (LossWeight weight : {LossWeight::simple, LossWeight::min_snr}) {
    EXPECT_EQ(loss_weights(s, Mean::velocity, {.weight = weight, .floor = 0.05}).back(), 0.05);
    EXPECT_NEAR(loss_weights(s, Mean::x_0, {.weight = weight, .floor = 0.05}).back(), 0.05, 1e-6);
    // Where alpha_bar is 2e-9, the same floor would weigh epsilon 2e7 times.
    EXPECT_EQ(loss_weights(s, Mean::epsilon, {.weight = weight, .floor = 0.05}).back(), 1.0);
  }
}

TEST(LossWeight, OfThePredictionIsOne) {
  for (Mean mean : {Mean::epsilon, Mean::x_0, Mean::previous_x, Mean::velocity}) {
    EXPECT_EQ(loss_weights(schedule(), mean, {}), std::vector<double>(50, 1.0));
  }
}

TEST(LossWeight, IsFiniteWhereNoSignalIsLeft) {
  const NoiseSchedule zero_terminal = cosine_schedule({.steps = 20, .max_beta = 1.0});
  ASSERT_LT(zero_terminal.alpha_bar.back(), 1e-30);
  for (Mean mean : {Mean::x_0, Mean::velocity}) {
    for (LossWeight weight : {LossWeight::simple, LossWeight::min_snr}) {
      for (double value : loss_weights(zero_terminal, mean, {.weight = weight})) EXPECT_TRUE(std::isfinite(value));
    }
  }
}

TEST(LossWeight, IsRefusedWhereItHasNoMeaning) {
  expect_error([] { check(LossWeighting{.weight = LossWeight::simple}, Mean::previous_x); }, {"x_{t-1}"});
  expect_error([] { check(LossWeighting{.weight = LossWeight::simple, .floor = 2.0}, Mean::velocity); },
               {"[0, 1]", "2"});
  expect_error([] { check(LossWeighting{.weight = LossWeight::min_snr, .snr_limit = 0.0}, Mean::velocity); },
               {"greater than 0"});
  const Network network = [](const Tensor& x, const Tensor&) { return at::cat({x, x}, 1); };
  const ReverseProcess p_theta(ForwardProcess(schedule()), {.mean = Mean::velocity});
  expect_error(
      [&] {
        training_losses(p_theta, network, x_0(), timesteps(), noise(), Objective::vlb, {.weight = LossWeight::simple});
      },
      {"L_vlb"});
}

}  // namespace
}  // namespace iddpm::loss_weight_test
