#include "iddpm/kernels/cpu/winograd.h"

#include <gtest/gtest.h>

#include "iddpm/kernels/cpu/channels_last.h"
#include "iddpm/kernels/reference.h"
#include "tests/kernels/kernel_cases.h"

namespace iddpm::kernels {
namespace {

struct Case {
  std::int64_t images, channels, out_channels, height, width;
};

// Tiles that reach over the edges, channels that don't fill vectors, fewer pixels than a tile has.
const std::vector<Case> cases = {
    {2, 32, 32, 8, 8}, {1, 20, 7, 9, 13}, {3, 1, 40, 4, 5}, {2, 16, 16, 3, 2}, {1, 65, 48, 21, 6}};

struct Problem {
  cpu::ConvolutionGeometry geometry;
  Tensor x, weight, bias, residual, dy;
};

Problem problem(const Case& c, at::ScalarType type) {
  const Tensor x = testing::random({c.images, c.channels, c.height, c.width}, type);
  const Tensor weight = testing::random({c.out_channels, c.channels, 3, 3});
  const auto like_y = [&] {
    return cpu::channels_last(testing::random({c.images, c.out_channels, c.height, c.width}, type));
  };
  return {cpu::geometry_of(x, weight, true, true, {.padding = 1}),
          cpu::channels_last(x),
          weight,
          testing::random({c.out_channels}),
          like_y(),
          like_y()};
}

void for_each_case(const std::function<void(const Problem&, double tolerance)>& body) {
  at::manual_seed(0);
  testing::for_each_instruction_set([&] {
    for (const Case& c : cases) {
      for (auto type : {at::kFloat, at::kBFloat16}) {
        SCOPED_TRACE(fmt::format("[{}, {}, {}, {}] -> {} {}", c.images, c.channels, c.height, c.width, c.out_channels,
                                 at::toString(type)));
        body(problem(c, type), type == at::kFloat ? 5e-5 : 5e-3);
      }
    }
  });
}

TEST(Winograd, ForwardIsTheConvolution) {
  for_each_case([](const Problem& p, double tolerance) {
    Tensor y = at::empty_like(p.dy);
    cpu::winograd::forward(p.geometry, p.x, p.weight, p.bias, p.residual, y, /*keep_weight=*/false);
    const auto wide = [](const Tensor& t) { return t.to(at::kDouble); };
    const Tensor expected =
        reference::convolution_add(wide(p.x), wide(p.weight), wide(p.bias), wide(p.residual), {.padding = 1});
    EXPECT_LE(testing::difference(y, expected), tolerance);
  });
}

TEST(Winograd, BackwardGivesTheConvolutionsGradients) {
  for_each_case([](const Problem& p, double tolerance) {
    Tensor dx = at::empty_like(p.x), dweight = at::empty_like(p.weight), dbias = at::empty_like(p.bias);
    cpu::winograd::backward_data(p.geometry, p.dy, p.weight, dx, /*keep_weight=*/false);
    cpu::winograd::backward_weights(p.geometry, p.x, p.dy, dweight, dbias);
    const auto leaf = [](const Tensor& t) { return t.to(at::kDouble).detach().clone().requires_grad_(true); };
    const Tensor x = leaf(p.x), weight = leaf(p.weight), bias = leaf(p.bias);
    (reference::convolution(x, weight, bias, {.padding = 1}) * p.dy.to(at::kDouble)).sum().backward();
    EXPECT_LE(testing::difference(dx, x.grad()), tolerance);
    EXPECT_LE(testing::difference(dweight, weight.grad()), 5e-5);
    EXPECT_LE(testing::difference(dbias, bias.grad()), 5e-5);
  });
}

TEST(Winograd, ManyTilesInSeveralBlocksAgree) {
  at::manual_seed(1);
  const Problem p = problem({2, 24, 40, 70, 66}, at::kFloat);
  Tensor y = at::empty_like(p.dy), dweight = at::empty_like(p.weight), dbias = at::empty_like(p.bias);
  cpu::winograd::forward(p.geometry, p.x, p.weight, p.bias, p.residual, y, /*keep_weight=*/false);
  const Tensor expected = reference::convolution_add(p.x, p.weight, p.bias, p.residual, {.padding = 1});
  EXPECT_LE(testing::difference(y, expected), 5e-5);
  cpu::winograd::backward_weights(p.geometry, p.x, p.dy, dweight, dbias);
  const Tensor weight = p.weight.to(at::kDouble).requires_grad_(true);
  (reference::convolution(p.x.to(at::kDouble), weight, {}, {.padding = 1}) * p.dy).sum().backward();
  EXPECT_LE(testing::difference(dweight, weight.grad()), 5e-5);
}

}  // namespace
}  // namespace iddpm::kernels
