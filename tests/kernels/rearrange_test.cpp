#include <gtest/gtest.h>

#include "iddpm/kernels/operations.h"
#include "tests/kernels/kernel_cases.h"

namespace iddpm::kernels {
namespace {

using testing::Tensors;

const std::vector<std::vector<std::int64_t>> shapes = {{2, 32, 8, 8}, {1, 5, 7, 9}, {3, 17, 2, 3}, {1, 1, 2, 2}};

/// Runs an operation of one activation over shapes, types and instruction sets.
void expect_agreement_everywhere(const testing::Operation& operation) {
  testing::for_each_instruction_set([&] {
    for (const auto& shape : shapes) {
      for (auto type : {at::kFloat, at::kBFloat16}) {
        SCOPED_TRACE(fmt::format("shape {} {}", fmt::join(shape, " "), at::toString(type)));
        testing::expect_agreement(operation, {testing::random(shape, type)}, type == at::kFloat ? 1e-6 : 1e-2);
      }
    }
  });
}

TEST(Silu, AgreesWithTheReferenceOnEveryInstructionSet) {
  at::manual_seed(0);
  expect_agreement_everywhere([](const Tensors& t) { return kernels::silu(t[0] * 4.0); });
}

TEST(Silu, FarFromZeroIsTheIdentityOrZero) {
  const Tensor x = at::tensor({-1000.0f, -100.0f, 0.0f, 100.0f, 1000.0f});
  EXPECT_TRUE(at::allclose(kernels::silu(x), at::clamp_min(x, 0)));
}

TEST(UpsampleNearest, AgreesWithTheReferenceOnEveryInstructionSet) {
  at::manual_seed(1);
  expect_agreement_everywhere([](const Tensors& t) { return upsample_nearest(t[0]); });
}

TEST(AveragePool, AgreesWithTheReferenceOnEveryInstructionSet) {
  at::manual_seed(2);
  expect_agreement_everywhere([](const Tensors& t) { return average_pool(t[0]); });
}

TEST(ConcatenateChannels, AgreesWithTheReference) {
  at::manual_seed(3);
  for (auto type : {at::kFloat, at::kBFloat16}) {
    for (std::int64_t channels : {1, 16, 21}) {
      const Tensors both = {testing::random({2, 32, 5, 6}, type), testing::random({2, channels, 5, 6}, type)};
      testing::expect_agreement([](const Tensors& t) { return concatenate_channels(t[0], t[1]); }, both,
                                type == at::kFloat ? 1e-6 : 1e-2);
    }
  }
}

TEST(Resampling, ReferenceGradientsAreFiniteDifferences) {
  at::manual_seed(4);
  const Tensors x = {testing::random({2, 3, 5, 4}, at::kDouble)};
  testing::expect_finite_differences([](const Tensors& t) { return upsample_nearest(t[0]); }, x);
  testing::expect_finite_differences([](const Tensors& t) { return average_pool(t[0]); }, x);
  testing::expect_finite_differences([](const Tensors& t) { return kernels::silu(t[0]); }, x);
}

}  // namespace
}  // namespace iddpm::kernels
