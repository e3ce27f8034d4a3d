#include "iddpm/nn/module.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/nn/small_networks.h"

namespace iddpm {
namespace {

NamedParameters two_parameters() { return {{"a", at::zeros({2})}, {"b.weight", at::zeros({2, 3})}}; }

TEST(LoadParameters, CopiesByNameWhateverTheOrderAndType) {
  const NamedParameters parameters = two_parameters();
  parameters[0].second.set_requires_grad(true);
  load_parameters(parameters, {{"b.weight", at::ones({2, 3}, at::kHalf)}, {"a", at::full({2}, 3.0, at::kDouble)}}, "x");
  EXPECT_EQ(parameters[0].second.sum().item<double>(), 6.0);
  EXPECT_EQ(parameters[1].second.sum().item<double>(), 6.0);
  EXPECT_EQ(parameters[1].second.scalar_type(), at::kFloat);
}

TEST(LoadParameters, NamesWhatDoesNotFitAndCopiesNothing) {
  const NamedParameters parameters = two_parameters();
  const Tensor a = at::ones({2}), b = at::ones({2, 3});
  const auto error = [&](const NamedParameters& source) {
    return error_of([&] { load_parameters(parameters, source, "file.pt"); });
  };
  EXPECT_EQ(error({{"a", a}}), "file.pt: parameter 'b.weight' is missing; expected shape [2, 3].");
  EXPECT_EQ(error({{"a", a}, {"b.weight", b}, {"c", a}}), "file.pt: parameter 'c' is unknown to this network.");
  EXPECT_EQ(error({{"a", a}, {"b.weight", b.t()}}), "file.pt: parameter 'b.weight' has shape [3, 2]; expected [2, 3].");
  EXPECT_EQ(error({{"a", a}, {"b.weight", b}, {"a", a}}), "file.pt: parameter 'a' is given twice; expected once.");
  EXPECT_EQ(error({{"a", a}, {"b.weight", b.to(at::kLong)}}),
            "file.pt: parameter 'b.weight' has type Long; expected floating-point numbers.");
  EXPECT_EQ(parameters[0].second.abs().sum().item<double>(), 0.0);
}

TEST(Initialisation, IsThatOfThePublishedLayers) {
  UNetOptions options = small_options();
  options.channels = 64;
  options.classes = 20;
  const UNet network(options, 3);
  std::map<std::string, Tensor> parameters;
  for (const auto& [name, parameter] : network.parameters()) parameters[name] = parameter.detach();
  const auto expect_uniform = [&](const std::string& name, double bound) {
    const Tensor& values = parameters.at(name);
    EXPECT_LE(values.abs().max().item<double>(), bound) << name;
    EXPECT_NEAR(values.mean().item<double>() / bound, 0.0, 4 / std::sqrt(3.0 * double(values.numel()))) << name;
    EXPECT_NEAR(values.std().item<double>() / bound, 1 / std::sqrt(3.0), 2 / std::sqrt(double(values.numel()))) << name;
  };
  expect_uniform("time_embed.0.weight", 1 / std::sqrt(64.0));
  expect_uniform("time_embed.0.bias", 1 / std::sqrt(64.0));
  expect_uniform("input_blocks.1.0.in_layers.2.weight", 1 / std::sqrt(64.0 * 9));
  expect_uniform("input_blocks.3.0.skip_connection.weight", 1 / std::sqrt(64.0));
  expect_uniform("middle_block.1.qkv.weight", 1 / std::sqrt(128.0));
  const Tensor classes = parameters.at("label_emb.weight");
  EXPECT_NEAR(classes.mean().item<double>(), 0.0, 0.1);
  EXPECT_NEAR(classes.std().item<double>(), 1.0, 0.05);
  for (const char* zero :
       {"input_blocks.1.0.out_layers.3.weight", "input_blocks.1.0.out_layers.3.bias", "middle_block.1.proj_out.weight",
        "middle_block.1.proj_out.bias", "out.2.weight", "out.2.bias", "out.0.bias", "middle_block.1.norm.bias"}) {
    EXPECT_EQ(parameters.at(zero).abs().max().item<double>(), 0.0) << zero;
  }
  EXPECT_TRUE(parameters.at("middle_block.1.norm.weight").equal(at::ones({128})));
  EXPECT_NE(parameters.at("time_embed.0.bias")[0].item<double>(),
            parameters.at("time_embed.0.weight")[0][0].item<double>());
}

}  // namespace
}  // namespace iddpm
