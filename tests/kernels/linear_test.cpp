#include <gtest/gtest.h>

#include "iddpm/kernels/operations.h"
#include "tests/kernels/kernel_cases.h"

namespace iddpm::kernels {
namespace {

using testing::Tensors;

struct Case {
  std::vector<std::int64_t> shape;  // of x
  std::int64_t out;
};

const std::vector<Case> cases = {{{1, 32}, 128}, {{7, 128}, 512},  {{33, 20}, 5},
                                 {{130, 64}, 1}, {{3, 5, 17}, 19}, {{24}, 8}};

double tolerance(at::ScalarType type) { return type == at::kFloat ? 1e-5 : 1e-2; }

Tensor operation(const Tensors& t) { return linear(t[0], t[1], t.size() > 2 ? t[2] : Tensor()); }

Tensors inputs(const Case& c, at::ScalarType type) {
  return {testing::random(c.shape, type), testing::random({c.out, c.shape.back()}), testing::random({c.out})};
}

TEST(Linear, AgreesWithTheReference) {
  at::manual_seed(0);
  for (const Case& c : cases) {
    for (auto type : {at::kFloat, at::kBFloat16}) {
      SCOPED_TRACE(fmt::format("shape {} -> {} {}", fmt::join(c.shape, " "), c.out, at::toString(type)));
      Tensors all = inputs(c, type);
      testing::expect_agreement(operation, all, tolerance(type));
      all.pop_back();
      testing::expect_agreement(operation, all, tolerance(type));
    }
  }
}

TEST(Linear, TakesStridedArguments) {
  at::manual_seed(1);
  const Tensor x = testing::random({48, 9}).t(), weight = testing::random({48, 20}).t(), bias = testing::random({40});
  testing::expect_agreement(operation, {x, weight, bias.slice(0, 0, 40, 2)}, tolerance(at::kFloat));
}

TEST(Linear, GivesGradientsOnlyWhereTheyAreWanted) {
  const Tensor x = testing::random({4, 8}), bias = testing::random({3}).requires_grad_(true);
  const Tensor weight = testing::random({3, 8});
  linear(x, weight, bias).sum().backward();
  EXPECT_FALSE(x.grad().defined());
  EXPECT_FALSE(weight.grad().defined());
  EXPECT_TRUE(at::equal(bias.grad(), at::full({3}, 4.0)));
}

TEST(Linear, ReferenceGradientsAreFiniteDifferences) {
  at::manual_seed(2);
  Tensors all = inputs(cases[2], at::kDouble);
  for (Tensor& tensor : all) tensor = tensor.to(at::kDouble);
  testing::expect_finite_differences(operation, all);
}

}  // namespace
}  // namespace iddpm::kernels
