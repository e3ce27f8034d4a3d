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

const std::vector<Case> cases = {{2, 4, 16, 64}, {1, 1, 64, 49}, {3, 2, 20, 5}, {1, 3, 7, 1}, {2, 1, 33, 130}};

TEST(Attention, AgreesWithTheReferenceOnEveryInstructionSet) {
  at::manual_seed(0);
  testing::for_each_instruction_set([] {
    for (const Case& c : cases) {
      for (auto type : {at::kFloat, at::kBFloat16}) {
        for (auto order : {QkvOrder::heads_first, QkvOrder::qkv_first}) {
          SCOPED_TRACE(fmt::format("{} images, {} heads of {}, length {}, {}", c.images, c.heads, c.width, c.length,
                                   at::toString(type)));
          const Tensors qkv = {testing::random({c.images, 3 * c.heads * c.width, c.length}, type)};
          testing::expect_agreement([&](const Tensors& t) { return attention(t[0], c.heads, order); }, qkv,
                                    type == at::kFloat ? 1e-5 : 2e-2);
        }
      }
    }
  });
}

TEST(Attention, LargeScoresDoNotOverflow) {
  at::manual_seed(1);
  const Tensors qkv = {testing::random({1, 48, 20}) * 60.0};
  testing::expect_agreement([](const Tensors& t) { return attention(t[0], 1, QkvOrder::qkv_first); }, qkv, 1e-3);
}

TEST(Attention, OneHeadIsTheSameOnSeveralThreads) {
  at::manual_seed(2);
  const Tensor qkv = testing::random({1, 48, 77});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor one = attention(qkv, 1, QkvOrder::qkv_first);
  at::set_num_threads(3);
  const Tensor three = attention(qkv, 1, QkvOrder::qkv_first);
  at::set_num_threads(threads);
  EXPECT_LE(testing::difference(three, one), 1e-6);
}

TEST(Attention, ReferenceGradientsAreFiniteDifferences) {
  at::manual_seed(3);
  const Tensors qkv = {testing::random({2, 24, 6}, at::kDouble)};
  testing::expect_finite_differences([](const Tensors& t) { return attention(t[0], 2, QkvOrder::heads_first); }, qkv);
}

}  // namespace
}  // namespace iddpm::kernels
