#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "iddpm/kernels/operations.h"
#include "tests/kernels/kernel_cases.h"

namespace iddpm::kernels {
namespace {

using testing::Tensors;

struct Case {
  std::int64_t images, heads, width, length;
};

// Lengths of less than, exactly and just more than one and two vectors; widths of every remainder.
const std::vector<Case> cases = {{2, 4, 16, 64},  {1, 1, 64, 49}, {3, 2, 20, 5}, {1, 3, 7, 1},
                                 {2, 1, 33, 130}, {1, 2, 8, 16},  {1, 2, 1, 17}, {1, 1, 48, 33}};

double tolerance(at::ScalarType type) { return type == at::kFloat ? 5e-6 : 1e-2; }

testing::Operation attention_of(std::int64_t heads, QkvOrder order) {
  return [=](const Tensors& t) { return attention(t[0], heads, order); };
}

TEST(Attention, AgreesWithTheReferenceOnEveryInstructionSet) {
  at::manual_seed(0);
  testing::for_each_instruction_set([] {
    for (const Case& c : cases) {
      for (auto type : {at::kFloat, at::kBFloat16}) {
        for (auto order : {QkvOrder::heads_first, QkvOrder::qkv_first}) {
          SCOPED_TRACE(fmt::format("{} images, {} heads of {}, length {}, {}", c.images, c.heads, c.width, c.length,
                                   at::toString(type)));
          const Tensors qkv = {testing::random({c.images, 3 * c.heads * c.width, c.length}, type)};
          testing::expect_agreement(attention_of(c.heads, order), qkv, tolerance(type));
        }
      }
    }
  });
}

TEST(Attention, AgreesForLongSequences) {
  at::manual_seed(1);
  for (auto type : {at::kFloat, at::kBFloat16}) {
    const Tensors qkv = {testing::random({1, 3 * 2 * 24, 1027}, type)};
    testing::expect_agreement(attention_of(2, QkvOrder::heads_first), qkv, tolerance(type));
  }
}

TEST(Attention, TakesAnyStridesAndKeepsChannelsLast) {
  at::manual_seed(2);
  const Tensor plain = testing::random({2, 96, 20});
  const Tensor channels_last = plain.transpose(1, 2).contiguous().transpose(1, 2);
  const Tensor sliced = at::cat({plain, plain}, 2).slice(2, 20, 40);
  const Tensor expected = attention(channels_last, 2, QkvOrder::heads_first);
  EXPECT_EQ(expected.strides(), at::IntArrayRef({20 * 32, 1, 32}));
  EXPECT_TRUE(at::equal(expected, attention(plain, 2, QkvOrder::heads_first)));
  EXPECT_TRUE(at::equal(expected, attention(sliced, 2, QkvOrder::heads_first)));

  const Tensor x = channels_last.detach().requires_grad_(true), y = plain.detach().requires_grad_(true);
  const Tensor direction = testing::random({2, 32, 20});
  (attention(x, 2, QkvOrder::heads_first) * direction).sum().backward();
  (attention(y, 2, QkvOrder::heads_first) * direction.transpose(1, 2).contiguous().transpose(1, 2)).sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), y.grad()));
}

TEST(Attention, AnImageIsTheSameInAnyBatch) {
  at::manual_seed(3);
  for (auto type : {at::kFloat, at::kBFloat16}) {
    const Tensor qkv = testing::random({5, 3 * 32, 45}, type);
    const Tensor all = attention(qkv, 2, QkvOrder::qkv_first);
    EXPECT_TRUE(at::equal(all.slice(0, 3, 4), attention(qkv.slice(0, 3, 4), 2, QkvOrder::qkv_first)));
  }
}

TEST(Attention, OneHeadIsTheSameOnSeveralThreads) {
  at::manual_seed(4);
  const Tensor qkv = testing::random({1, 48, 77});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor one = attention(qkv, 1, QkvOrder::qkv_first);
  at::set_num_threads(3);
  const Tensor three = attention(qkv, 1, QkvOrder::qkv_first);
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(three, one));
}

TEST(Attention, LargeScoresDoNotOverflow) {
  at::manual_seed(5);
  testing::for_each_instruction_set([] {
    const Tensors qkv = {testing::random({1, 48, 18}) * 60.0};
    // Scores reach 10^4, where float32's neighbours are 1e-3 apart: what a score is off by, its weight is off by
    // relatively, in every order of summation (seen: 1.5e-3 with Highway 1.2).
    testing::expect_agreement(attention_of(1, QkvOrder::qkv_first), qkv, 5e-3);
  });
}

TEST(Attention, ScoresFarBelowZeroKeepTheirWeights) {
  // Every score is near -1024, exact in float32: weights relative to anything but the largest would vanish.
  Tensor qkv = at::full({1, 48, 5}, 16.0);
  qkv.slice(1, 16, 32).fill_(-16.0);
  qkv[0][16] += at::arange(5, at::kFloat) / 16;
  qkv.slice(1, 32, 48).copy_(testing::random({1, 16, 5}));
  const KernelScope plain({.path = KernelOptions::Path::reference});
  const Tensor expected = attention(qkv.to(at::kDouble), 1, QkvOrder::qkv_first);
  const KernelScope automatic({});
  testing::for_each_instruction_set(
      [&] { EXPECT_LE(testing::difference(attention(qkv, 1, QkvOrder::qkv_first), expected), 1e-4); });
}

TEST(Attention, NanReachesTheResultOfItsHeadOnly) {
  testing::for_each_instruction_set([] {
    for (auto type : {at::kFloat, at::kBFloat16}) {
      Tensor qkv = at::ones({1, 2 * 3 * 8, 6}, type);
      qkv[0][9][2] = std::nan("");  // a key of the first head
      const Tensor y = attention(qkv, 2, QkvOrder::heads_first);
      EXPECT_TRUE(at::isnan(y.slice(1, 0, 8)).all().item<bool>());
      EXPECT_FALSE(at::isnan(y.slice(1, 8, 16)).any().item<bool>());
    }
  });
}

TEST(Attention, ReferenceGradientsAreFiniteDifferences) {
  at::manual_seed(6);
  const Tensors qkv = {testing::random({2, 24, 6}, at::kDouble)};
  testing::expect_finite_differences(attention_of(2, QkvOrder::heads_first), qkv);
}

}  // namespace
}  // namespace iddpm::kernels
