#include "iddpm/interchange/reference_conversion.h"
#include "tests/golden_case.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

// The published checkpoints among the golden cases: the file and the case that has its outputs.
std::vector<std::pair<fs::path, GoldenCase>> golden_checkpoints() {
  std::vector<std::pair<fs::path, GoldenCase>> found;
  for (const auto& entry : fs::directory_iterator(golden_directory())) {
    if (entry.path().extension() != ".pt") continue;
    for (GoldenCase& golden : golden_cases("network")) {
      const std::string stem = fs::path(golden.settings.value("checkpoint", "")).stem().string();
      if (!stem.empty() && entry.path().stem().string().starts_with(stem)) found.emplace_back(entry, std::move(golden));
    }
  }
  return found;
}

}  // namespace

TEST(ParityReferenceConversion, AConvertedCheckpointHasThePublishedOutputs) {
  const TemporaryFolder folder;
  const auto checkpoints = golden_checkpoints();
  for (const auto& [path, golden] : checkpoints) {
    SCOPED_TRACE(path.filename().string());
    const fs::path output = folder / (path.stem().string() + ".safetensors");
    convert_reference_checkpoint({.weights = path,
                                  .family = parse_reference_family(golden.settings.at("family")),
                                  .flags = golden.settings.at("flags")},
                                 output);
    const Checkpoint checkpoint(output);
    EXPECT_TRUE(checkpoint.info().ema_rates.empty());
    EXPECT_EQ(checkpoint.parameters(), golden.settings.at("parameters").get<std::int64_t>());
    EXPECT_EQ(checkpoint.info().settings.diffusion.steps, golden.settings.at("flags").at("diffusion_steps"));
    const at::NoGradGuard no_grad;
    Condition condition;
    if (golden.contains("y")) condition.y = golden["y"];
    if (golden.contains("low_res")) condition.low_resolution = golden["low_res"];
    const Tensor result = checkpoint.load_network()(golden["x"], golden["t"], condition);
    EXPECT_TRUE(all_close(result, golden["output"], 1e-4, 1e-4));
  }
}

TEST(ReferenceConversion, KeepsRawWeightsAndAnAverage) {
  const TemporaryFolder folder;
  const auto checkpoints = golden_checkpoints();
  if (checkpoints.empty()) GTEST_SKIP() << "no published checkpoint among the golden cases";
  const auto& [path, golden] = checkpoints.front();
  convert_reference_checkpoint({.weights = path,
                                .ema = path,
                                .ema_rate = 0.999,
                                .family = parse_reference_family(golden.settings.at("family")),
                                .flags = golden.settings.at("flags"),
                                .step = 1234},
                               folder / "model.safetensors");
  const Checkpoint checkpoint(folder / "model.safetensors");
  EXPECT_EQ(checkpoint.info().ema_rates, std::vector<double>{0.999});
  EXPECT_EQ(checkpoint.info().step, 1234);
  EXPECT_EQ(checkpoint.info().origin.at("converted_from"), path.filename().string());
  EXPECT_EQ(checkpoint.checksums().at("model"), checkpoint.checksums().at("ema_0.999"));
}

TEST(ReferenceConversion, SaysWhatDoesNotFitAndWhichFlagIsProbablyWrong) {
  const TemporaryFolder folder;
  const auto checkpoints = golden_checkpoints();
  if (checkpoints.empty()) GTEST_SKIP() << "no published checkpoint among the golden cases";
  const auto& [path, golden] = checkpoints.front();
  if (golden.settings.at("family") != "improved") GTEST_SKIP() << "hints are for another family";
  const auto error_with = [&](const std::string& flag, const nlohmann::json& value) {
    nlohmann::json flags = golden.settings.at("flags");
    flags[flag] = value;
    return error_of(
        [&] { convert_reference_checkpoint({.weights = path, .flags = flags}, folder / "model.safetensors"); });
  };
  const nlohmann::json& flags = golden.settings.at("flags");
  const auto expect = [&](const std::string& error, const std::string& part) {
    EXPECT_TRUE(contains(error, part)) << error;
    EXPECT_TRUE(contains(error, path.string())) << error;
  };
  expect(error_with("num_channels", 64), fmt::format("--num_channels is {}", flags.at("num_channels").get<int>()));
  expect(error_with("num_res_blocks", 5), "--num_res_blocks or --image_size");
  expect(error_with("learn_sigma", !flags.at("learn_sigma").get<bool>()),
         fmt::format("--learn_sigma is {}", flags.at("learn_sigma").get<bool>() ? "True" : "False"));
  expect(error_with("class_cond", !flags.at("class_cond").get<bool>()),
         fmt::format("--class_cond is {}", flags.at("class_cond").get<bool>() ? "True" : "False"));
  expect(error_with("use_scale_shift_norm", !flags.at("use_scale_shift_norm").get<bool>()),
         fmt::format("--use_scale_shift_norm is {}", flags.at("use_scale_shift_norm").get<bool>() ? "True" : "False"));
  expect(error_with("attention_resolutions", "4"), "--attention_resolutions");
  EXPECT_FALSE(fs::exists(folder / "model.safetensors")) << "nothing is written";
}

TEST(ReferenceConversion, CountsWhatIsMissingUnexpectedAndOfAnotherShape) {
  const std::string text = describe_misfit({{"input_blocks.0.0.weight", {32, 3, 3, 3}}, {"b", {2}}, {"c", {3}}},
                                           {{"input_blocks.0.0.weight", {64, 3, 3, 3}}, {"c", {3}}, {"d", {1}}});
  EXPECT_TRUE(contains(text, "of 3 parameters")) << text;
  EXPECT_TRUE(contains(text, "1 missing")) << text;
  EXPECT_TRUE(contains(text, "1 unexpected")) << text;
  EXPECT_TRUE(contains(text, "[64, 3, 3, 3] instead of [32, 3, 3, 3]")) << text;
  EXPECT_TRUE(contains(text, "--num_channels is 64")) << text;
  EXPECT_EQ(describe_misfit({{"a", {1}}}, {{"a", {1}}}), "");
}

TEST(ReferenceSettings, ReadTheFlagsOfTheDiffusionProcess) {
  const auto settings = [](const std::string& flags) {
    return reference_settings(ReferenceFamily::improved, parse_reference_flags(flags)).diffusion;
  };
  EXPECT_EQ(settings("").variance, Variance::fixed_large);
  EXPECT_EQ(settings("").objective, Objective::simple);
  EXPECT_EQ(settings("").steps, 1000);
  EXPECT_TRUE(settings("").rescale_timesteps);
  EXPECT_EQ(settings("--sigma_small True").variance, Variance::fixed_small);
  EXPECT_EQ(settings("--learn_sigma True").objective, Objective::hybrid);
  EXPECT_EQ(settings("--learn_sigma True --rescale_learned_sigmas False").objective, Objective::simple);
  EXPECT_EQ(settings("--learn_sigma True --use_kl True").objective, Objective::vlb);
  EXPECT_EQ(settings("--predict_xstart True").mean, Mean::x_0);
  EXPECT_FALSE(settings("--rescale_timesteps False").rescale_timesteps);
  EXPECT_FALSE(reference_settings(ReferenceFamily::guided, nlohmann::json::object()).diffusion.rescale_timesteps);
  EXPECT_NE(error_of([&] { settings("--noise_schedule sigmoid"); }), "");
  EXPECT_NE(error_of([&] { settings("--diffusion_stepz 5"); }), "");
}

}  // namespace iddpm
