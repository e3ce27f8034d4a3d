#include "iddpm/model/model.h"
#include "iddpm/samplers/ancestral.h"
#include "iddpm/samplers/registry.h"
#include "tests/golden_case.h"

// Pipeline folders of diffusers, read by their files alone: the kind `diffusers_unet` of the golden cases.
namespace iddpm {
namespace {

constexpr double output_tolerance_of_diffusers = 1e-4;
constexpr double double_tolerance_of_diffusers = 1e-6;
constexpr double loop_tolerance_of_diffusers = 5e-4;

double largest_entry(const Tensor& x) { return x.abs().max().item<double>(); }

std::filesystem::path pipeline_of(const GoldenCase& golden) {
  return golden.path.parent_path() / golden.settings.at("pipeline").get<std::string>();
}

Model open_pipeline(const GoldenCase& golden) {
  return Model::open(pipeline_of(golden), {.device = at::Device(at::kCPU), .precision = Precision::float32});
}

Condition condition_of(const GoldenCase& golden) {
  Condition condition;
  if (golden.contains("class_labels")) condition.y = golden["class_labels"];
  return condition;
}

TEST(ParityDiffusersUNet, OutputIsThatOfDiffusers) {
  const at::NoGradGuard no_gradient;
  for (const GoldenCase& golden : golden_cases("diffusers_unet")) {
    SCOPED_TRACE(golden.name());
    UNet network = open_pipeline(golden).network();
    const Condition condition = condition_of(golden);
    const Tensor expected = golden["output"];
    EXPECT_TRUE(all_close(network(golden["x"], golden["t"], condition), expected,
                          output_tolerance_of_diffusers * largest_entry(expected), 0.0));
    network.set_compute_type(at::kDouble);
    const Tensor exact = golden["output_f64"];
    EXPECT_TRUE(all_close(network(golden["x"].to(at::kDouble), golden["t"].to(at::kDouble), condition), exact,
                          double_tolerance_of_diffusers * largest_entry(exact), 0.0));
  }
}

TEST(ParityDiffusersUNet, ARunOfItsOwnSchedulerEndsWhereThatOfDiffusersDoes) {
  const at::NoGradGuard no_gradient;
  for (const GoldenCase& golden : golden_cases("diffusers_unet")) {
    SCOPED_TRACE(golden.name());
    const Model model = open_pipeline(golden);
    const Tensor descending = golden["loop_timesteps"], noises = golden["loop_noises"];
    std::vector<std::int64_t> timesteps;
    for (std::int64_t i = descending.numel(); i-- > 0;) timesteps.push_back(descending[i].item<std::int64_t>());
    const ReverseProcess process = model.reverse_process().respaced(timesteps);
    const Tensor x_T = golden["loop_x_T"];
    const NoiseSource noise = [&](std::int64_t draw) {
      return draw == 0 ? x_T : draw <= noises.size(0) ? noises[draw - 1] : at::zeros_like(x_T);
    };
    const Tensor y = golden.contains("class_labels") ? golden["class_labels"].narrow(0, 0, 1) : Tensor();
    const Tensor x_0 = make_sampler("ancestral", {})->run(process.q(), model.denoiser_of(process, y), noise);
    const Tensor expected = golden["loop_x_0"];
    EXPECT_TRUE(all_close(x_0, expected, loop_tolerance_of_diffusers * largest_entry(expected), 0.0));
  }
}

}  // namespace
}  // namespace iddpm
