#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "iddpm/kernels/dropout_hash.h"
#include "iddpm/kernels/kernel_options.h"
#include "iddpm/kernels/operations.h"
#include "iddpm/kernels/reference.h"
#include "tests/kernels/kernel_cases.h"

namespace iddpm::kernels {
namespace {

using testing::Tensors;

struct Case {
  std::vector<std::int64_t> shape;
  std::int64_t groups;
};

const std::vector<Case> cases = {
    {{2, 32, 8, 8}, 32}, {{1, 128, 9, 7}, 32}, {{3, 20, 5, 3}, 4},
    {{1, 12, 1, 1}, 2},  {{2, 36, 17}, 12},    {{5, 7, 33, 2}, 1},
};

/// Inputs x, weight, bias, scale, shift; x with a mean far from zero, so that a careless variance shows.
Tensors inputs(const Case& c, at::ScalarType type) {
  const std::int64_t n = c.shape[0], channels = c.shape[1];
  return {(testing::random(c.shape) * 2.0 + 5.0).to(type), testing::random({channels}), testing::random({channels}),
          testing::random({n, channels}, type), testing::random({n, channels}, type)};
}

DropoutOptions dropout_of(std::int64_t images) {
  return {.probability = 0.3, .keys = at::arange(images, at::kLong) * 1234567890123 - 5, .layer = 3};
}

double tolerance(at::ScalarType type) { return type == at::kFloat ? 2e-5 : 2e-2; }

TEST(GroupNormSilu, AgreesWithTheReferenceOnEveryInstructionSet) {
  at::manual_seed(0);
  testing::for_each_instruction_set([] {
    for (const Case& c : cases) {
      for (auto type : {at::kFloat, at::kBFloat16}) {
        SCOPED_TRACE(fmt::format("shape {} {}", fmt::join(c.shape, " "), at::toString(type)));
        const auto operation = [&](const Tensors& t) {
          return group_norm_silu(t[0], c.groups, t[1], t[2], {t[3], t[4]}, dropout_of(c.shape[0]));
        };
        testing::expect_agreement(operation, inputs(c, type), tolerance(type));
      }
    }
  });
}

TEST(GroupNorm, AgreesWithTheReferenceOnEveryInstructionSet) {
  at::manual_seed(1);
  testing::for_each_instruction_set([] {
    for (const Case& c : cases) {
      for (auto type : {at::kFloat, at::kBFloat16}) {
        SCOPED_TRACE(fmt::format("shape {} {}", fmt::join(c.shape, " "), at::toString(type)));
        Tensors all = inputs(c, type);
        all.resize(3);
        testing::expect_agreement([&](const Tensors& t) { return group_norm(t[0], c.groups, t[1], t[2]); }, all,
                                  tolerance(type));
      }
    }
  });
}

TEST(GroupNormSilu, WithoutScaleAndShiftAgrees) {
  at::manual_seed(2);
  Tensors all = inputs(cases[0], at::kFloat);
  all.resize(3);
  testing::expect_agreement([](const Tensors& t) { return group_norm_silu(t[0], 32, t[1], t[2]); }, all, 2e-5);
}

TEST(GroupNormSilu, TakesAnyMemoryFormat) {
  at::manual_seed(3);
  const Tensors all = inputs(cases[1], at::kFloat);
  const Tensor plain = group_norm_silu(all[0], 32, all[1], all[2], {all[3], all[4]}, dropout_of(1));
  const Tensor x = all[0].contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_TRUE(at::equal(plain, group_norm_silu(x, 32, all[1], all[2], {all[3], all[4]}, dropout_of(1))));
}

TEST(GroupNormSilu, OneImageIsTheSameOnSeveralThreads) {
  at::manual_seed(4);
  const Tensor x = testing::random({1, 32, 32, 32}), weight = testing::random({32}), bias = testing::random({32});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor one = group_norm_silu(x, 8, weight, bias);
  at::set_num_threads(3);
  const Tensor three = group_norm_silu(x, 8, weight, bias);
  at::set_num_threads(threads);
  EXPECT_LE(testing::difference(three, one), 1e-6);
}

TEST(GroupNormSilu, ReferenceGradientsAreFiniteDifferences) {
  at::manual_seed(5);
  Tensors all = inputs(cases[2], at::kDouble);
  for (Tensor& tensor : all) tensor = tensor.to(at::kDouble);
  testing::expect_finite_differences(
      [](const Tensors& t) {
        return group_norm_silu(t[0], 4, t[1], t[2], {t[3], t[4]}, dropout_of(3));
      },
      all);
}

TEST(Dropout, BothPathsDropTheSameElements) {
  const Tensor x = testing::random({4, 24, 6, 5}) + 1.0, weight = at::ones({24}), bias = at::ones({24});
  const DropoutOptions dropout = dropout_of(4);
  testing::for_each_instruction_set([&] {
    const Tensor y = group_norm_silu(x, 4, weight, bias, {}, dropout);
    EXPECT_TRUE(at::equal(y != 0, reference::dropout_mask(x, dropout)));
  });
}

TEST(Dropout, MasksAreTheSameFromWordsOfAllLayers) {
  const KernelScope plain({.path = KernelOptions::Path::reference});
  const Tensor keys = at::tensor({0x123456789abcdefL, -1L, 7L}, at::kLong), x = at::zeros({3, 2, 4, 4});
  const Tensor words = dropout_words(keys, 5);
  ASSERT_EQ(words.sizes(), at::IntArrayRef({5, 2, 3}));
  for (const std::int64_t layer : {0, 4}) {
    DropoutOptions dropout{.probability = 0.5, .keys = keys, .layer = layer};
    const Tensor by_keys = reference::dropout_mask(x, dropout);
    dropout.words = words[layer];
    EXPECT_TRUE(at::equal(reference::dropout_mask(x, dropout), by_keys));
    const DropoutWords of_last = dropout_words(std::int64_t{7}, layer);
    EXPECT_EQ(words[layer][1][2].item<std::int64_t>(), of_last.second);
  }
}

TEST(Dropout, DropsTheStatedShareAndScalesTheRest) {
  const DropoutOptions dropout{.probability = 0.25, .keys = at::arange(8, at::kLong), .layer = 0};
  const Tensor kept = reference::dropout_mask(at::empty({8, 64, 16, 16}), dropout).to(at::kDouble);
  // 131072 draws: the standard deviation of the mean is 0.0012.
  EXPECT_NEAR(kept.mean().item<double>(), 0.75, 0.006);
  EXPECT_LT((kept.mean({1, 2, 3}) - 0.75).abs().max().item<double>(), 0.02);
}

TEST(Dropout, DoesNotDependOnTheBatchButOnKeyAndLayer) {
  const Tensor x = at::empty({3, 8, 4, 4}), keys = at::tensor({7, 8, 9}, at::kLong);
  const auto mask = [&](const Tensor& images, const Tensor& image_keys, std::int64_t layer) {
    return reference::dropout_mask(images, {.probability = 0.5, .keys = image_keys, .layer = layer});
  };
  const Tensor all = mask(x, keys, 1);
  EXPECT_TRUE(at::equal(all.slice(0, 1, 2), mask(x.slice(0, 1, 2), keys.slice(0, 1, 2), 1)));
  EXPECT_FALSE(at::equal(all[0], all[1]));
  EXPECT_FALSE(at::equal(all, mask(x, keys, 2)));
  EXPECT_FALSE(at::equal(all, mask(x, keys + (std::int64_t{1} << 32), 1)));
}

}  // namespace
}  // namespace iddpm::kernels
