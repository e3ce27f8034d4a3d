#include <gtest/gtest.h>

#include "iddpm/core/error.h"
#include "iddpm/kernels/operations.h"
#include "iddpm/kernels/reference.h"
#include "tests/kernels/kernel_cases.h"

namespace iddpm::kernels {
namespace {

using testing::Tensors;

struct Case {
  std::int64_t images, channels, height, width, out_channels, kernel;
  ConvolutionOptions options;
};

const std::vector<Case> cases = {
    {2, 32, 8, 8, 48, 3, {.padding = 1}},
    {1, 3, 9, 7, 20, 3, {.padding = 1}},
    {3, 20, 6, 5, 6, 3, {.padding = 1}},
    {2, 17, 8, 6, 33, 1, {}},
    {2, 16, 9, 8, 16, 3, {.stride = 2, .padding = 1}},
    {1, 8, 7, 7, 8, 3, {.padding = 0}},
    {1, 64, 4, 4, 64, 3, {.padding = 1}},
    {2, 5, 1, 1, 4, 3, {.padding = 1}},
    {5, 64, 16, 16, 64, 3, {.padding = 1}},
    {1, 48, 13, 11, 80, 3, {.padding = 1}},
};

std::string describe(const Case& c, at::ScalarType type) {
  return fmt::format("[{}, {}, {}, {}] -> {} kernel {} stride {} padding {} {}", c.images, c.channels, c.height,
                     c.width, c.out_channels, c.kernel, c.options.stride, c.options.padding, at::toString(type));
}

/// x, weight, bias: the parameters float32 whatever the activations' type.
Tensors inputs(const Case& c, at::ScalarType type) {
  return {testing::random({c.images, c.channels, c.height, c.width}, type),
          testing::random({c.out_channels, c.channels, c.kernel, c.kernel}), testing::random({c.out_channels})};
}

double tolerance(at::ScalarType type) { return type == at::kFloat ? 1e-4 : 2e-2; }

TEST(Convolution, AgreesWithTheReferenceOnEveryInstructionSet) {
  at::manual_seed(0);
  testing::for_each_instruction_set([] {
    for (const Case& c : cases) {
      for (auto type : {at::kFloat, at::kBFloat16}) {
        SCOPED_TRACE(describe(c, type));
        testing::expect_agreement([&](const Tensors& t) { return convolution(t[0], t[1], t[2], c.options); },
                                  inputs(c, type), tolerance(type));
      }
    }
  });
}

TEST(Convolution, WithoutWinogradIsCloserToTheReference) {
  at::manual_seed(1);
  for (const Case& c : cases) {
    SCOPED_TRACE(describe(c, at::kFloat));
    testing::expect_agreement([&](const Tensors& t) { return convolution(t[0], t[1], t[2], c.options); },
                              inputs(c, at::kFloat), 4e-6, {.winograd = false});
  }
}

TEST(Convolution, AddsTheResidual) {
  at::manual_seed(2);
  for (const Case& c : cases) {
    for (auto type : {at::kFloat, at::kBFloat16}) {
      SCOPED_TRACE(describe(c, type));
      Tensors all = inputs(c, type);
      all.push_back(testing::random(convolution(all[0], all[1], all[2], c.options).sizes(), type));
      testing::expect_agreement([&](const Tensors& t) { return convolution_add(t[0], t[1], t[2], t[3], c.options); },
                                all, tolerance(type));
    }
  }
}

TEST(Convolution, NeedsNoBias) {
  at::manual_seed(3);
  Tensors all = inputs(cases[0], at::kFloat);
  all.pop_back();
  testing::expect_agreement([](const Tensors& t) { return convolution(t[0], t[1], {}, cases[0].options); }, all, 1e-4);
}

TEST(Convolution, SeesWeightsThatChangeBetweenInferences) {
  at::manual_seed(4);
  for (const Case& c : cases) {
    Tensors t = inputs(c, at::kFloat);
    const at::NoGradGuard no_grad;
    convolution(t[0], t[1], t[2], c.options);
    t[1].mul_(2.0);
    const Tensor expected = reference::convolution(t[0], t[1], t[2], c.options);
    EXPECT_LE(testing::difference(convolution(t[0], t[1], t[2], c.options), expected), 1e-4);
    t[1].set_data(t[1] * 2.0);
    const Tensor again = reference::convolution(t[0], t[1], t[2], c.options);
    EXPECT_LE(testing::difference(convolution(t[0], t[1], t[2], c.options), again), 1e-4);
  }
}

TEST(Convolution, GivesOnlyTheGradientsThatAreWanted) {
  at::manual_seed(5);
  const Tensors t = inputs(cases[0], at::kFloat);
  const Tensor weight = t[1].detach().requires_grad_(true), x = t[0].detach().requires_grad_(true);
  convolution(t[0], weight, t[2], cases[0].options).sum().backward();
  EXPECT_TRUE(weight.grad().defined());
  convolution(x, t[1], t[2], cases[0].options).sum().backward();
  EXPECT_TRUE(x.grad().defined());
}

TEST(Convolution, ReferenceGradientsAreFiniteDifferences) {
  at::manual_seed(6);
  for (const Case& c : {cases[2], cases[4]}) {
    Tensors all = inputs(c, at::kDouble);
    for (Tensor& tensor : all) tensor = tensor.to(at::kDouble);
    testing::expect_finite_differences([&](const Tensors& t) { return convolution(t[0], t[1], t[2], c.options); }, all);
  }
}

TEST(Operations, SayWhatDoesNotFit) {
  const Tensor x = at::ones({1, 4, 8, 8});
  EXPECT_THROW(convolution(x, at::ones({8, 5, 3, 3}), {}, {.padding = 1}), Error);
  EXPECT_THROW(convolution(x, at::ones({8, 4, 3, 3}), at::ones({7}), {.padding = 1}), Error);
  EXPECT_THROW(convolution_add(x, at::ones({8, 4, 3, 3}), {}, at::ones({1, 8, 6, 6}), {.padding = 1}), Error);
  EXPECT_THROW(convolution(x, at::ones({8, 4, 11, 11}), {}, {}), Error);
  EXPECT_THROW(group_norm(x, 3, at::ones({4}), at::ones({4})), Error);
  EXPECT_THROW(group_norm_silu(x, 2, at::ones({4}), at::ones({4}), {}, {.probability = 1.5, .keys = {}}), Error);
  EXPECT_THROW(attention(at::ones({1, 10, 4}), 2, QkvOrder::heads_first), Error);
  EXPECT_THROW(kernels::linear(at::ones({2, 3}), at::ones({4, 5}), {}), Error);
  EXPECT_THROW(concatenate_channels(x, at::ones({1, 4, 8, 7})), Error);
  EXPECT_THROW(kernels::silu(at::ones({2}, at::kLong)), Error);
}

}  // namespace
}  // namespace iddpm::kernels
