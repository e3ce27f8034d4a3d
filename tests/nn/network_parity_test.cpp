#include <torch/csrc/autograd/autograd.h>

#include <map>

#include "iddpm/diffusion/settings.h"
#include "iddpm/kernels/optimizer_step.h"
#include "iddpm/nn/classifier.h"
#include "iddpm/nn/reference_flags.h"
#include "iddpm/nn/unet.h"
#include "tests/golden_case.h"

// Networks of the published Python implementations on given weights: the kind `network` of the golden cases.
namespace iddpm {
namespace {

constexpr double output_tolerance = 1e-4;
constexpr double gradient_tolerance = 1e-3;  // of the tensor's largest entry
constexpr double bfloat16_tolerance = 3e-2;  // of the output's standard deviation

NamedParameters recipe_weights(const GoldenCase& golden) {
  NamedParameters weights;
  for (const nlohmann::json& entry : golden.settings.at("weights")) {
    weights.emplace_back(entry.at("name").get<std::string>(), recipe_weight(entry));
  }
  return weights;
}

std::vector<std::string> names_of(const NamedParameters& parameters) {
  std::vector<std::string> names;
  for (const auto& [name, parameter] : parameters) names.push_back(name);
  return names;
}

/// The process that the reference's diffusion flags describe.
DiffusionSettings diffusion_settings(const nlohmann::json& flags) {
  const bool learned = flags.at("learn_sigma").get<bool>();
  DiffusionSettings settings = {.schedule = flags.at("noise_schedule").get<std::string>(),
                                .steps = flags.at("diffusion_steps").get<std::int64_t>(),
                                .mean = flags.at("predict_xstart").get<bool>() ? Mean::x_0 : Mean::epsilon,
                                .variance = Variance::learned_range,
                                .rescale_timesteps = flags.at("rescale_timesteps").get<bool>(),
                                .objective = Objective::simple};
  if (!learned) settings.variance = flags.value("sigma_small", false) ? Variance::fixed_small : Variance::fixed_large;
  if (flags.at("use_kl").get<bool>()) {
    settings.objective = Objective::vlb;
  } else if (learned && flags.at("rescale_learned_sigmas").get<bool>()) {
    settings.objective = Objective::hybrid;
  }
  return settings;
}

/// A U-Net case: the network with its weights, and its inputs.
struct UNetCase {
  explicit UNetCase(const GoldenCase& golden_case)
      : golden(golden_case),
        reference(reference_unet(parse_reference_family(golden.settings.at("family").get<std::string>()),
                                 golden.settings.at("flags"))),
        network(reference.network),
        settings(diffusion_settings(reference.diffusion)) {
    load_parameters(network.parameters(), recipe_weights(golden), golden.name());
    if (golden.contains("y")) condition.y = golden["y"];
    if (golden.contains("low_res")) condition.low_resolution = golden["low_res"];
  }

  Tensor loss() const {
    const ReverseProcess p_theta = reverse_process(settings, conditioned(network, condition));
    return training_losses(p_theta, golden["x"], golden["t"], golden["noise"], settings.objective).total;
  }

  std::vector<Tensor> gradients() const {
    std::vector<Tensor> leaves;
    for (const auto& [name, parameter] : network.parameters()) leaves.push_back(parameter);
    return torch::autograd::grad({loss().mean()}, leaves);
  }

  const GoldenCase& golden;
  ReferenceUNet reference;
  UNet network;
  DiffusionSettings settings;
  Condition condition;
};

std::vector<GoldenCase> network_cases(bool classifier) {
  std::vector<GoldenCase> cases;
  for (GoldenCase& golden : golden_cases("network")) {
    if ((golden.settings.at("family") == "classifier") == classifier) cases.push_back(std::move(golden));
  }
  return cases;
}

testing::AssertionResult close_to_largest(const Tensor& actual, const Tensor& expected, double tolerance) {
  return all_close(actual, expected, tolerance * expected.abs().max().item<double>(), 0.0);
}

TEST(ParityNetwork, ParametersHaveThePublishedNamesOrderAndShapes) {
  for (const GoldenCase& golden : network_cases(false)) {
    SCOPED_TRACE(golden.name());
    const UNetCase unet(golden);
    EXPECT_EQ(names_of(unet.network.parameters()), names_of(recipe_weights(golden)));
    EXPECT_EQ(count(unet.network.parameters()), golden.settings.at("parameters").get<std::int64_t>());
  }
}

TEST(ParityNetwork, OutputIsThePublishedOne) {
  for (const GoldenCase& golden : network_cases(false)) {
    SCOPED_TRACE(golden.name());
    const at::NoGradGuard no_grad;
    const UNetCase unet(golden);
    EXPECT_TRUE(all_close(unet.network(golden["x"], golden["t"], unet.condition), golden["output"], output_tolerance,
                          output_tolerance));
  }
}

TEST(ParityNetwork, OutputInBFloat16IsNearThePublishedOne) {
  for (const GoldenCase& golden : network_cases(false)) {
    SCOPED_TRACE(golden.name());
    const at::NoGradGuard no_grad;
    UNetCase unet(golden);
    unet.network.set_compute_type(at::kBFloat16);
    const Tensor expected = golden["output"];
    EXPECT_TRUE(all_close(unet.network(golden["x"], golden["t"], unet.condition), expected,
                          bfloat16_tolerance * expected.std().item<double>(), 0.0));
  }
}

TEST(ParityNetwork, LossAndGradientsAreThePublishedOnes) {
  for (const GoldenCase& golden : network_cases(false)) {
    SCOPED_TRACE(golden.name());
    const UNetCase unet(golden);
    EXPECT_TRUE(all_close(unet.loss().detach(), golden["loss"], output_tolerance, output_tolerance));
    const NamedParameters parameters = unet.network.parameters();
    const std::vector<Tensor> gradients = unet.gradients();
    int compared = 0;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const std::string name = "grad." + parameters[i].first;
      if (!golden.contains(name)) continue;
      EXPECT_TRUE(close_to_largest(gradients[i], golden[name], gradient_tolerance)) << name;
      ++compared;
    }
    EXPECT_GT(compared, 0);
  }
}

TEST(ParityNetwork, ThreeStepsOfAdamWAndTheAverageAreThePublishedOnes) {
  for (const GoldenCase& golden : network_cases(false)) {
    SCOPED_TRACE(golden.name());
    const UNetCase unet(golden);
    const NamedParameters parameters = unet.network.parameters();
    std::vector<Tensor> exp_avg, exp_avg_sq, averages;
    for (const auto& [name, parameter] : parameters) {
      exp_avg.push_back(at::zeros_like(parameter));
      exp_avg_sq.push_back(at::zeros_like(parameter));
      averages.push_back(parameter.detach().clone());
    }
    for (std::int64_t step = 1; step <= 3; ++step) {
      const std::vector<Tensor> gradients = unet.gradients();
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        Tensor parameter = parameters[i].second.detach();
        kernels::EmaTarget average = {averages[i], golden.settings.at("ema_rate").get<double>()};
        kernels::adamw_step(parameter, gradients[i], exp_avg[i], exp_avg_sq[i], {&average, 1},
                            {.step = step,
                             .learning_rate = golden.settings.at("lr").get<double>(),
                             .weight_decay = golden.settings.at("weight_decay").get<double>()});
      }
    }
    int compared = 0;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const auto& [name, parameter] = parameters[i];
      if (!golden.contains("after3." + name)) continue;
      EXPECT_TRUE(close_to_largest(parameter, golden["after3." + name], gradient_tolerance)) << name;
      EXPECT_TRUE(close_to_largest(averages[i], golden["ema3." + name], gradient_tolerance)) << name;
      ++compared;
    }
    EXPECT_GT(compared, 0);
  }
}

TEST(ParityNetwork, TheClassifierAndItsGradientAreThePublishedOnes) {
  for (const GoldenCase& golden : network_cases(true)) {
    SCOPED_TRACE(golden.name());
    NoisyClassifier classifier(reference_classifier(golden.settings.at("flags")).classifier);
    EXPECT_EQ(names_of(classifier.parameters()), names_of(recipe_weights(golden)));
    load_parameters(classifier.parameters(), recipe_weights(golden), golden.name());
    const Tensor expected = golden["output"];
    const Tensor expected_gradient = golden["log_probability_gradient"];
    EXPECT_TRUE(all_close(classifier(golden["x"], golden["t"]), expected, output_tolerance, output_tolerance));
    const Tensor gradient = log_probability_gradient(classifier, golden["x"], golden["t"], golden["y"]);
    EXPECT_TRUE(close_to_largest(gradient, expected_gradient, gradient_tolerance));

    classifier.set_compute_type(at::kBFloat16);
    EXPECT_TRUE(all_close(classifier(golden["x"], golden["t"]), expected,
                          bfloat16_tolerance * expected.std().item<double>(), 0.0));
  }
}

}  // namespace
}  // namespace iddpm
