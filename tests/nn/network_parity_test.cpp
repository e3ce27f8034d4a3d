#include <torch/csrc/autograd/autograd.h>

#include <map>

#include "iddpm/diffusion/settings.h"
#include "iddpm/interchange/reference_flags.h"
#include "iddpm/kernels/optimizer_step.h"
#include "iddpm/nn/classifier.h"
#include "iddpm/nn/unet.h"
#include "tests/golden_case.h"

// Networks of the published Python implementations on given weights: the kind `network` of the golden cases.
namespace iddpm {
namespace {

constexpr double output_tolerance = 1e-4;
constexpr double gradient_tolerance = 1e-3;  // of the tensor's largest entry
constexpr double bfloat16_tolerance = 3e-2;  // root mean square, of the output's standard deviation
constexpr double vanishing = 1e-6;           // of the network's largest gradient
constexpr std::int64_t steps = 3;

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
    const ReverseProcess p_theta = reverse_process(settings);
    return training_losses(p_theta, conditioned(network, condition), golden["x"], golden["t"], golden["noise"],
                           settings.objective)
        .total;
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

double largest(const Tensor& x) { return x.abs().max().item<double>(); }

double standard_deviations(const Tensor& difference, const Tensor& expected) {
  return difference.square().mean().sqrt().item<double>() / expected.std().item<double>();
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
    const Tensor difference = unet.network(golden["x"], golden["t"], unet.condition) - expected;
    EXPECT_LE(standard_deviations(difference, expected), bfloat16_tolerance);
  }
}

/// AdamW on a case's batch, each step the same, with an average of the parameters.
class Training {
 public:
  explicit Training(const UNetCase& unet) : unet_(unet), parameters_(unet.network.parameters()) {
    for (const auto& [name, parameter] : parameters_) {
      leaves_.push_back(parameter);
      exp_avg_.push_back(at::zeros_like(parameter));
      exp_avg_sq_.push_back(at::zeros_like(parameter));
      averages.push_back(parameter.detach().clone());
    }
  }

  void step() {
    loss = unet_.loss();
    gradients = torch::autograd::grad({loss.mean()}, leaves_);
    ++step_;
    const nlohmann::json& settings = unet_.golden.settings;
    for (std::size_t i = 0; i < leaves_.size(); ++i) {
      Tensor parameter = leaves_[i].detach();
      kernels::EmaTarget average = {averages[i], settings.at("ema_rate").get<double>()};
      kernels::adamw_step(parameter, gradients[i], exp_avg_[i], exp_avg_sq_[i], {&average, 1},
                          {.step = step_,
                           .learning_rate = settings.at("lr").get<double>(),
                           .weight_decay = settings.at("weight_decay").get<double>()});
    }
  }

  std::int64_t steps_done() const { return step_; }

  Tensor loss;                    // of the last step
  std::vector<Tensor> gradients;  // of the last step
  std::vector<Tensor> averages;

 private:
  const UNetCase& unet_;
  NamedParameters parameters_;
  std::vector<Tensor> leaves_, exp_avg_, exp_avg_sq_;
  std::int64_t step_ = 0;
};

/// What a parameter may differ by after the steps. Adam moves each entry by about the learning rate whatever the size
/// of its gradient, so that entries whose gradient is zero but for rounding may go either way.
Tensor parameter_tolerance(const Tensor& expected, const Tensor& gradient, double largest_gradient, double rate) {
  const double noise = std::max(gradient_tolerance * largest(gradient), vanishing * largest_gradient);
  const Tensor either_way = gradient.abs().le(noise).to(at::kFloat) * (2.0 * static_cast<double>(steps) * rate);
  return either_way + gradient_tolerance * largest(expected);
}

TEST(ParityNetwork, LossGradientsAndThreeStepsOfAdamWAreThePublishedOnes) {
  for (const GoldenCase& golden : network_cases(false)) {
    SCOPED_TRACE(golden.name());
    const UNetCase unet(golden);
    const NamedParameters parameters = unet.network.parameters();
    Training training(unet);
    training.step();
    EXPECT_TRUE(all_close(training.loss, golden["loss"], output_tolerance, output_tolerance));
    const std::vector<Tensor> gradients = training.gradients;
    double largest_gradient = 0;
    for (const Tensor& gradient : gradients) largest_gradient = std::max(largest_gradient, largest(gradient));
    while (training.steps_done() < steps) training.step();

    int compared = 0;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const auto& [name, parameter] = parameters[i];
      if (golden.contains("grad." + name)) {
        const Tensor expected = golden["grad." + name];
        // The bias before a norm whose groups have one channel each has no effect, and rounding for a gradient.
        const double allowed = std::max(gradient_tolerance * largest(expected), vanishing * largest_gradient);
        EXPECT_TRUE(all_close(gradients[i], expected, allowed, 0.0)) << name;
        ++compared;
      }
      if (!golden.contains("after3." + name)) continue;
      const auto rate = golden.settings.at("lr").get<double>();
      for (const auto& [kind, actual] : {std::pair("after3.", parameter), {"ema3.", training.averages[i]}}) {
        const Tensor expected = golden[kind + name];
        const Tensor excess =
            (actual - expected).abs() - parameter_tolerance(expected, gradients[i], largest_gradient, rate);
        EXPECT_LE(excess.max().item<double>(), 0.0) << kind << name;
      }
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
    EXPECT_TRUE(all_close(gradient, expected_gradient, gradient_tolerance * largest(expected_gradient), 0.0));

    classifier.set_compute_type(at::kBFloat16);
    EXPECT_LE(standard_deviations(classifier(golden["x"], golden["t"]) - expected, expected), bfloat16_tolerance);
  }
}

}  // namespace
}  // namespace iddpm
