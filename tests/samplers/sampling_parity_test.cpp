#include <gtest/gtest.h>

#include "iddpm/samplers/ancestral.h"
#include "iddpm/samplers/ddim.h"
#include "iddpm/samplers/guidance.h"
#include "tests/golden_process.h"

namespace iddpm {
namespace {

TEST(ParityProcess, SamplingStepsAreThoseOfTheReference) {
  const auto cases = golden_cases("process");
  if (cases.empty()) GTEST_SKIP() << "no such case in " << golden_directory();
  for (const GoldenCase& golden : cases) {
    SCOPED_TRACE(golden.name());
    const ReverseProcess p_theta = golden_process(golden);
    const ForwardProcess& q = p_theta.q();
    const Tensor x_t = golden["x_t"], t = golden["t"], noise = golden["step_noise"];
    const Prediction prediction = p_theta.predict(golden_network(golden), x_t, t);
    EXPECT_TRUE(agrees(ancestral_step(q, prediction, t, noise), golden["ancestral_sample"]));
    for (const auto& [name, eta] : {std::pair("0.0", 0.0), std::pair("0.5", 0.5), std::pair("1.0", 1.0)}) {
      EXPECT_TRUE(agrees(ddim_step(q, prediction, x_t, t, noise, eta), golden[std::string("ddim_sample_eta") + name]))
          << "eta " << eta;
    }
    EXPECT_TRUE(agrees(ddim_inversion_step(q, prediction, x_t, t), golden["ddim_reverse_sample"]));
  }
}

// The network of the kind loop: epsilon = 0.9 x cos(t / 400), and for a learned variance 2 v - 1 = sin(5 x).
Network closed_form_network(bool learned) {
  return [learned](const Tensor& x, const Tensor& t) {
    const Tensor epsilon = 0.9 * x * at::cos(t.to(at::kFloat) / 400.0).view({-1, 1, 1, 1});
    return learned ? at::cat({epsilon, at::sin(5.0 * x)}, 1) : epsilon;
  };
}

TEST(ParityLoop, WholeSamplingRunsEndAsThoseOfTheReference) {
  const auto cases = golden_cases("loop");
  if (cases.empty()) GTEST_SKIP() << "no such case in " << golden_directory();
  for (const GoldenCase& golden : cases) {
    SCOPED_TRACE(golden.name());
    const Variance variance = golden_variance(golden);
    const ReverseProcess full(
        ForwardProcess(golden_schedule(golden)),
        {.variance = variance, .rescale_timesteps = golden.settings.at("rescale_timesteps").get<bool>()});
    const ReverseProcess p_theta = full.respaced(golden.settings.at("respacing").get<std::string>());
    const Denoiser denoiser = p_theta.denoiser(closed_form_network(is_learned(variance)));
    const Tensor noises = golden["noises"];
    const NoiseSource noise = [noises](std::int64_t draw) { return noises[draw]; };
    EXPECT_TRUE(agrees(AncestralSampler().run(p_theta.q(), denoiser, noise), golden["ancestral"]));
    EXPECT_TRUE(agrees(DdimSampler().run(p_theta.q(), denoiser, noise), golden["ddim"]));
  }
}

TEST(ParityGuidance, GuidedStepsAreThoseOfTheReference) {
  const auto cases = golden_cases("guidance");
  if (cases.empty()) GTEST_SKIP() << "no such case in " << golden_directory();
  for (const GoldenCase& golden : cases) {
    SCOPED_TRACE(golden.name());
    const ReverseProcess p_theta = golden_process(golden);
    const ForwardProcess& q = p_theta.q();
    const Tensor x_t = golden["x_t"], t = golden["t"], gradient = golden["gradient"], noise = golden["step_noise"];
    const Prediction prediction = p_theta.predict(golden_network(golden), x_t, t);
    EXPECT_TRUE(agrees(ancestral_step(q, guide_mean(prediction, gradient), t, noise), golden["ancestral_sample"]));
    const Prediction guided = guide_epsilon(q, prediction, x_t, t, gradient);
    EXPECT_TRUE(agrees(ddim_step(q, guided, x_t, t, noise, 0.0), golden["ddim_sample"]));
  }
}

}  // namespace
}  // namespace iddpm
