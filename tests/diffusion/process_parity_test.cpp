#include <gtest/gtest.h>

#include "iddpm/diffusion/losses.h"
#include "iddpm/diffusion/timestep_sampler.h"
#include "tests/golden_process.h"

namespace iddpm {
namespace {

void expect_forward_process(const GoldenCase& golden, const ForwardProcess& q) {
  const Tensor x_0 = golden["x_0"], t = golden["t"], x_t = golden["x_t"];
  EXPECT_TRUE(agrees(q.sample(x_0, t, golden["noise"]), x_t));
  const Gaussian forward = q.moments(x_0, t);
  EXPECT_TRUE(agrees(forward.mean, golden["forward_mean"]));
  EXPECT_TRUE(agrees(forward.variance.expand_as(x_0), golden["forward_variance"]));
  EXPECT_TRUE(agrees(forward.log_variance.expand_as(x_0), golden["forward_log_variance"]));
  const Gaussian posterior = q.posterior(x_0, x_t, t);
  EXPECT_TRUE(agrees(posterior.mean, golden["posterior_mean"]));
  EXPECT_TRUE(agrees(posterior.variance.expand_as(x_0), golden["posterior_variance"]));
  EXPECT_TRUE(agrees(posterior.log_variance.expand_as(x_0), golden["posterior_log_variance"]));
  EXPECT_TRUE(agrees(q.prior_bits(x_0), golden["prior_bits"]));
}

void expect_prediction(const GoldenCase& golden, const ReverseProcess& p_theta, const std::string& prefix, bool clip) {
  SCOPED_TRACE(prefix);
  const Tensor x_t = golden["x_t"], t = golden["t"];
  const Prediction prediction = p_theta.predict(golden_network(golden), x_t, t, clip);
  EXPECT_TRUE(agrees(prediction.mean, golden[prefix + "_mean"]));
  EXPECT_TRUE(agrees(prediction.log_variance.expand_as(x_t), golden[prefix + "_log_variance"]));
  EXPECT_TRUE(agrees(prediction.x_0, golden[prefix + "_x_0"]));
  const VlbTerm term = vlb_term(p_theta.q(), prediction, golden["x_0"], x_t, t);
  EXPECT_TRUE(agrees(term.bits, golden[prefix + "_vb_bits"]));
  EXPECT_TRUE(agrees(term.x_0, golden[prefix + "_x_0"]));
}

void expect_loss(const GoldenCase& golden, const ReverseProcess& p_theta, const std::string& name,
                 Objective objective) {
  SCOPED_TRACE(name);
  const LossTerms terms =
      training_losses(p_theta, golden_network(golden), golden["x_0"], golden["t"], golden["noise"], objective);
  EXPECT_TRUE(agrees(terms.total, golden["loss_" + name + "_loss"]));
  EXPECT_EQ(terms.mse.defined(), golden.contains("loss_" + name + "_mse"));
  if (terms.mse.defined()) {
    EXPECT_TRUE(agrees(terms.mse, golden["loss_" + name + "_mse"]));
  }
  if (golden.contains("loss_" + name + "_vb")) {
    EXPECT_TRUE(agrees(terms.vb, golden["loss_" + name + "_vb"]));
  }
}

TEST(ParityProcess, MomentsTermsAndLossesAreThoseOfTheReference) {
  const auto cases = golden_cases("process");
  if (cases.empty()) GTEST_SKIP() << "no such case in " << golden_directory();
  for (const GoldenCase& golden : cases) {
    SCOPED_TRACE(golden.name());
    const ReverseProcess p_theta = golden_process(golden);
    expect_forward_process(golden, p_theta.q());
    expect_prediction(golden, p_theta, "clipped", true);
    expect_prediction(golden, p_theta, "raw", false);
    expect_loss(golden, p_theta, "mse", Objective::simple);
    // With a fixed variance the reference's rescaled loss is the plain one, which we ask for by its own name.
    const bool learned = is_learned(p_theta.options().variance);
    expect_loss(golden, p_theta, "rescaled_mse", learned ? Objective::hybrid : Objective::simple);
    expect_loss(golden, p_theta, "kl", Objective::vlb_unscaled);
    expect_loss(golden, p_theta, "rescaled_kl", Objective::vlb);
  }
}

TEST(ParityLikelihood, LogLikelihoodAndDivergenceAreThoseOfTheReference) {
  const auto cases = golden_cases("likelihood");
  if (cases.empty()) GTEST_SKIP() << "no such case in " << golden_directory();
  for (const GoldenCase& golden : cases) {
    SCOPED_TRACE(golden.name());
    EXPECT_TRUE(agrees(discretized_gaussian_log_likelihood(golden["x"], golden["mean"], golden["log_scale"]),
                       golden["discretized_log_likelihood"]));
    EXPECT_TRUE(agrees(gaussian_kl(golden["mean"], golden["log_variance1"], golden["mean2"], golden["log_variance2"]),
                       golden["kl"]));
  }
}

TEST(ParityResampler, ProbabilitiesFollowThoseOfTheReference) {
  const auto cases = golden_cases("resampler");
  if (cases.empty()) GTEST_SKIP() << "no such case in " << golden_directory();
  for (const GoldenCase& golden : cases) {
    SCOPED_TRACE(golden.name());
    ImportanceTimesteps timesteps(golden.settings.at("steps").get<std::int64_t>(),
                                  {.history = golden.settings.at("history").get<std::int64_t>(),
                                   .uniform_probability = golden.settings.at("uniform_probability").get<double>()});
    const Tensor t = golden["t"], loss = golden["loss"], expected = golden["weights_after_each_10"];
    for (std::int64_t i = 0; i < expected.size(0); ++i) {
      timesteps.record(t.narrow(0, 10 * i, 10), loss.narrow(0, 10 * i, 10));
      // The reference's weights are not normalised before it is warm.
      const Tensor probabilities = expected[i] / expected[i].sum();
      EXPECT_TRUE(all_close(to_tensor(timesteps.probabilities()), probabilities, 0.0, 1e-12)) << "after update " << i;
    }
  }
}

}  // namespace
}  // namespace iddpm
