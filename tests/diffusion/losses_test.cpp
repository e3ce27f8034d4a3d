#include "iddpm/diffusion/losses.h"

#include <gtest/gtest.h>

#include "tests/expect_error.h"
#include "tests/random_images.h"

namespace iddpm::losses_test {
namespace {

const std::vector<std::int64_t> shape = {4, 2, 4, 4};

Tensor x_0() { return random_images(shape, 1); }
Tensor noise() { return random_noise(shape, 2); }
Tensor timesteps(std::vector<std::int64_t> t) { return at::tensor(at::ArrayRef<std::int64_t>(t), at::kLong); }

ForwardProcess process(std::int64_t steps = 50) { return ForwardProcess(cosine_schedule({.steps = steps})); }

// A network that looks at each image and its timestep alone; `scale` is its one parameter.
Network toy_network(Variance variance, Tensor scale = at::full({}, 0.7)) {
  return [variance, scale](const Tensor& x, const Tensor& t) {
    const Tensor mean = scale * x + 1e-3 * t.to(x.scalar_type()).view({-1, 1, 1, 1});
    return is_learned(variance) ? at::cat({mean, at::sin(3.0 * scale * x)}, 1) : mean;
  };
}

ReverseProcess toy_process(Variance variance = Variance::learned_range, std::int64_t steps = 50) {
  return ReverseProcess(process(steps), {.variance = variance});
}

// The network of toy_process().
const Network network = toy_network(Variance::learned_range);

constexpr Objective objectives[] = {Objective::simple, Objective::hybrid, Objective::vlb, Objective::vlb_unscaled};

TEST(Losses, OfTwoHalfBatchesAreThoseOfTheWhole) {
  const ReverseProcess p_theta = toy_process();
  const Tensor t = timesteps({0, 3, 49, 0});
  for (Objective objective : objectives) {
    const Tensor whole = training_losses(p_theta, network, x_0(), t, noise(), objective).total;
    std::vector<Tensor> halves;
    for (std::int64_t start : {0, 2}) {
      halves.push_back(training_losses(p_theta, network, x_0().narrow(0, start, 2), t.narrow(0, start, 2),
                                       noise().narrow(0, start, 2), objective)
                           .total);
    }
    EXPECT_TRUE(at::equal(whole, at::cat(halves)));
  }
}

TEST(Losses, FollowAPermutationOfTheBatch) {
  const ReverseProcess p_theta = toy_process();
  const Tensor t = timesteps({0, 3, 49, 12}), order = timesteps({2, 0, 3, 1});
  for (Objective objective : objectives) {
    const Tensor losses = training_losses(p_theta, network, x_0(), t, noise(), objective).total;
    const Tensor permuted = training_losses(p_theta, network, x_0().index_select(0, order), t.index_select(0, order),
                                            noise().index_select(0, order), objective)
                                .total;
    EXPECT_TRUE(at::equal(permuted, losses.index_select(0, order)));
  }
}

TEST(Losses, HaveTheWeightsOfThePaper) {
  const Tensor t = timesteps({0, 3, 19, 12});
  const ReverseProcess p_theta = toy_process(Variance::learned_range, 200).respaced("20");
  const LossTerms simple = training_losses(p_theta, network, x_0(), t, noise(), Objective::simple);
  const LossTerms hybrid = training_losses(p_theta, network, x_0(), t, noise(), Objective::hybrid);
  const LossTerms vlb = training_losses(p_theta, network, x_0(), t, noise(), Objective::vlb);
  const LossTerms unscaled = training_losses(p_theta, network, x_0(), t, noise(), Objective::vlb_unscaled);
  EXPECT_TRUE(at::allclose(hybrid.vb, unscaled.total * 20.0 / 1000.0));
  EXPECT_TRUE(at::allclose(simple.vb, unscaled.total));
  EXPECT_TRUE(at::allclose(vlb.total, unscaled.total * 20.0));
  EXPECT_TRUE(at::equal(hybrid.total, hybrid.mse + hybrid.vb));
  EXPECT_TRUE(at::equal(simple.mse, hybrid.mse));
  EXPECT_FALSE(vlb.mse.defined());
}

TEST(Losses, HaveShortNames) {
  const ReverseProcess p_theta = toy_process();
  const Tensor t = timesteps({0, 3, 49, 12});
  const LossTerms hybrid = training_losses(p_theta, network, x_0(), t, noise(), Objective::hybrid);
  EXPECT_TRUE(at::equal(simple_loss(p_theta, network, x_0(), t, noise()), hybrid.mse));
  EXPECT_TRUE(at::equal(hybrid_loss(p_theta, network, x_0(), t, noise()), hybrid.total));
  EXPECT_TRUE(at::equal(vlb_loss(p_theta, network, x_0(), t, noise()),
                        training_losses(p_theta, network, x_0(), t, noise(), Objective::vlb).total));
}

TEST(SimpleLoss, IsZeroForANetworkThatKnows) {
  const Tensor t = timesteps({0, 3, 48, 12});
  const Tensor x_t = process().sample(x_0(), t, noise());
  const Tensor targets[] = {noise(), x_0(), process().posterior(x_0(), x_t, t).mean,
                            process().velocity(x_0(), t, noise())};
  for (Mean mean : {Mean::epsilon, Mean::x_0, Mean::previous_x, Mean::velocity}) {
    const Tensor target = targets[static_cast<int>(mean)];
    const Network knowing = [target](const Tensor&, const Tensor&) { return target; };
    const ReverseProcess p_theta(process(), {.mean = mean, .variance = Variance::fixed_small});
    EXPECT_TRUE(at::equal(simple_loss(p_theta, knowing, x_0(), t, noise()), at::zeros({4})));
    const VlbTerm term = vlb_term(p_theta.q(), p_theta.predict(knowing, x_t, t, false), x_0(), x_t, t);
    EXPECT_TRUE(at::allclose(term.bits.narrow(0, 1, 3), at::zeros({3}), 0.0, 1e-5));
    EXPECT_TRUE(at::allclose(term.x_0, x_0(), 1e-3, 1e-3));
  }
}

TEST(VlbTerm, AtTheFirstStepIsTheLikelihoodOfTheImage) {
  const ReverseProcess p_theta = toy_process();
  const Tensor t = timesteps({0, 0, 5, 0});
  const Tensor x_t = p_theta.q().sample(x_0(), t, noise());
  const Prediction p = p_theta.predict(network, x_t, t, true);
  const Tensor nats = -mean_per_image(discretized_gaussian_log_likelihood(x_0(), p.mean, 0.5 * p.log_variance));
  const VlbTerm term = vlb_term(p_theta.q(), p, x_0(), x_t, t);
  for (std::int64_t i : {0, 1, 3}) {
    EXPECT_NEAR(term.bits[i].item<double>(), nats[i].item<double>() / std::log(2.0), 1e-5);
  }
  EXPECT_GT(std::abs(term.bits[2].item<double>() - nats[2].item<double>() / std::log(2.0)), 1e-3);
}

Tensor gradient_of_output(Objective objective, Variance variance, bool vb_alone) {
  const Tensor output = random_noise({4, is_learned(variance) ? 4 : 2, 4, 4}, 3).set_requires_grad(true);
  const Network constant = [output](const Tensor&, const Tensor&) { return output; };
  const ReverseProcess p_theta(process(), {.variance = variance});
  const LossTerms terms = training_losses(p_theta, constant, x_0(), timesteps({0, 3, 49, 12}), noise(), objective);
  (vb_alone ? terms.vb : terms.total).sum().backward();
  return output.grad();
}

TEST(HybridLoss, GivesTheMeanNoGradientFromTheBound) {
  for (Variance variance : {Variance::learned, Variance::learned_range}) {
    for (Objective objective : {Objective::hybrid, Objective::simple}) {
      const Tensor gradient = gradient_of_output(objective, variance, true);
      EXPECT_TRUE(at::equal(gradient.narrow(1, 0, 2), at::zeros({4, 2, 4, 4})));
      EXPECT_TRUE((gradient.narrow(1, 2, 2).abs().flatten(1).sum(1) > 0.0).all().item<bool>());
    }
    const Tensor of_vlb = gradient_of_output(Objective::vlb, variance, true);
    EXPECT_TRUE((of_vlb.narrow(1, 0, 2).abs().flatten(1).sum(1) > 0.0).all().item<bool>());
  }
}

TEST(HybridLoss, GivesTheMeanTheGradientOfTheSquaredError) {
  const Tensor hybrid = gradient_of_output(Objective::hybrid, Variance::learned_range, false);
  const Tensor simple = gradient_of_output(Objective::simple, Variance::fixed_small, false);
  EXPECT_EQ(simple.size(1), 2);
  const Tensor output = random_noise({4, 4, 4, 4}, 3).narrow(1, 0, 2);
  EXPECT_TRUE(at::allclose(hybrid.narrow(1, 0, 2), 2.0 * (output - noise()) / 32.0));
}

TEST(HybridLoss, IsRefusedWhereTheVarianceIsFixed) {
  for (Variance variance : {Variance::fixed_small, Variance::fixed_large}) {
    expect_error(
        [&] {
          hybrid_loss(toy_process(variance), toy_network(variance), x_0(), timesteps({0, 1, 2, 3}), noise());
        },
        {"L_hybrid", "fixed", "L_simple"});
  }
}

TEST(Losses, RefuseNoiseOfAnotherShape) {
  expect_error(
      [] {
        vlb_loss(toy_process(), network, x_0(), timesteps({0, 1, 2, 3}), noise().narrow(0, 0, 2));
      },
      {"[4, 2, 4, 4]", "[2, 2, 4, 4]"});
}

TEST(Losses, AreFiniteForShortProcessesOfEveryKind) {
  for (std::int64_t steps : {1, 2, 3}) {
    for (const NoiseSchedule& schedule : {linear_schedule({.steps = steps}), cosine_schedule({.steps = steps})}) {
      for (Mean mean : {Mean::epsilon, Mean::x_0, Mean::previous_x, Mean::velocity}) {
        for (Variance variance :
             {Variance::fixed_small, Variance::fixed_large, Variance::learned, Variance::learned_range}) {
          for (Objective objective : objectives) {
            if (objective == Objective::hybrid && !is_learned(variance)) continue;
            const Tensor scale = at::full({}, 0.7).set_requires_grad(true);
            const ReverseProcess p_theta(ForwardProcess(schedule), {.mean = mean, .variance = variance});
            const Tensor t = at::arange(4, at::kLong).remainder(steps);
            const Tensor losses =
                training_losses(p_theta, toy_network(variance, scale), x_0(), t, noise(), objective).total;
            EXPECT_TRUE(at::isfinite(losses).all().item<bool>());
            losses.sum().backward();
            EXPECT_TRUE(at::isfinite(scale.grad()).item<bool>());
          }
          EXPECT_TRUE(at::isfinite(ForwardProcess(schedule).prior_bits(x_0())).all().item<bool>());
        }
      }
    }
  }
}

}  // namespace
}  // namespace iddpm::losses_test
