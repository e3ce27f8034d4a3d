#include "iddpm/nn/block_embedding.h"

#include <gtest/gtest.h>

#include "iddpm/nn/unet.h"
#include "tests/nn/small_networks.h"

namespace iddpm {
namespace {

double largest_difference(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

Tensor timesteps(std::vector<std::int64_t> values) { return at::tensor(values, at::kLong); }

/// A layer, and an embedding that counts the rows that it computes.
class BlockEmbeddingTest : public ::testing::Test {
 protected:
  BlockEmbedding embed(const Tensor& t, const Tensor& y = {}, const Tensor& noise = {}) {
    return block_embedding({.t = t, .y = y, .noise = noise}, [this](const EmbeddingInputs& inputs) {
      computed += inputs.t.size(0);
      const Tensor y = inputs.y.defined() ? inputs.y.to(at::kFloat) : at::zeros(inputs.t.sizes());
      return at::stack({inputs.t.to(at::kFloat), y}, 1);
    });
  }

  ParameterStore store{0};
  Linear layer{ParameterScope(store), 2, 3};
  std::int64_t computed = 0;
};

TEST_F(BlockEmbeddingTest, IsComputedOnceForImagesOfOneTimestepAndClass) {
  const at::NoGradGuard no_grad;
  const BlockEmbedding embedding = embed(timesteps({7, 7, 7, 7}), timesteps({2, 2, 2, 2}));
  EXPECT_EQ(computed, 1);
  EXPECT_TRUE(at::equal(embedding.rows(), at::tensor({7.0, 2.0}, at::kFloat).expand({4, 2})));
  const Tensor projected = embedding.projected(layer);
  EXPECT_EQ(projected.sizes(), at::IntArrayRef({4, 3}));
  EXPECT_EQ(projected.stride(0), 0) << "projected once as well";
  EXPECT_LT(largest_difference(projected, layer(embedding.rows().contiguous())), 1e-6);
}

TEST_F(BlockEmbeddingTest, IsComputedForEachImageWhereTheyDiffer) {
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(at::equal(embed(timesteps({7, 8})).rows().select(1, 0), at::tensor({7.0, 8.0}, at::kFloat)));
  EXPECT_TRUE(
      at::equal(embed(timesteps({7, 7}), timesteps({1, 2})).rows().select(1, 1), at::tensor({1.0, 2.0}, at::kFloat)));
  EXPECT_EQ(computed, 4);
  embed(timesteps({7, 7}), {}, at::tensor({0.1, 0.2}));
  EXPECT_EQ(computed, 6);
  EXPECT_EQ(embed(timesteps({7, 7}), timesteps({no_class, no_class})).rows()[1][1].item<float>(), -1.0F);
}

TEST_F(BlockEmbeddingTest, IsComputedForEachImageWhereGradientsAreRecorded) {
  embed(timesteps({7, 7}));
  EXPECT_EQ(computed, 2);
}

TEST_F(BlockEmbeddingTest, KeepsNothingForLater) {
  const at::NoGradGuard no_grad;
  c10::weak_intrusive_ptr<c10::StorageImpl> row = embed(timesteps({7, 7})).rows().storage().getWeakStorageImpl();
  EXPECT_TRUE(row.expired());
  embed(timesteps({7, 7}));
  EXPECT_EQ(computed, 2);
}

TEST(UNet, SamplesTheSameWhetherARowIsSharedOrNot) {
  const at::NoGradGuard no_grad;
  UNetOptions options = small_options();
  options.classes = 4;
  for (const bool scale_shift : {true, false}) {
    options.scale_shift_norm = scale_shift;
    const UNet network = random_unet(options);
    const Tensor x_t = random_tensor({4, 3, 8, 8}, 1);
    // The last image's t and class keep the others' from being shared.
    const Tensor plain = network(x_t, timesteps({500, 500, 500, 17}), {.y = timesteps({2, 2, 2, 1})}).slice(0, 0, 3);
    const Tensor shared = network(x_t, timesteps({500, 500, 500, 500}), {.y = timesteps({2, 2, 2, 2})});
    EXPECT_LT(largest_difference(shared.slice(0, 0, 3), plain), 1e-5 * plain.abs().max().item<double>());
  }
}

}  // namespace
}  // namespace iddpm
