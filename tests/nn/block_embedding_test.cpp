#include "iddpm/nn/block_embedding.h"

#include <gtest/gtest.h>

#include "iddpm/kernels/optimizer_step.h"
#include "iddpm/nn/unet.h"
#include "tests/nn/small_networks.h"

namespace iddpm {
namespace {

double largest_difference(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

Tensor timesteps(std::vector<std::int64_t> values) { return at::tensor(values, at::kLong); }

/// A layer and a cache that counts how often embeddings are computed.
class EmbeddingCacheTest : public ::testing::Test {
 protected:
  BlockEmbedding embed(const Tensor& t, const Tensor& y = {}) {
    return cache(parameters, t, y, [this](const Tensor& t, const Tensor& y) {
      ++computed;
      const Tensor rows = at::stack({t.to(at::kFloat), y.defined() ? y.to(at::kFloat) : at::zeros(t.sizes())}, 1);
      return rows * parameters[0].second.slice(0, 0, 1);
    });
  }

  ParameterStore store{0};
  Linear layer{ParameterScope(store), 2, 3};
  NamedParameters parameters = {{"gain", at::ones({2})}};
  EmbeddingCache cache;
  int computed = 0;
};

TEST_F(EmbeddingCacheTest, ComputesEachTimestepOnceForAllImagesOfAllBatches) {
  const at::NoGradGuard no_grad;
  for (int batch = 0; batch < 3; ++batch) {
    for (const std::int64_t t : {7, 3, 0}) {
      const BlockEmbedding embedding = embed(timesteps({t, t, t, t}));
      EXPECT_TRUE(at::equal(embedding.rows(), at::tensor({double(t), 0.0}, at::kFloat).expand({4, 2})));
      EXPECT_LT(largest_difference(embedding.projected(layer), layer(embedding.rows().contiguous())), 1e-6);
    }
  }
  EXPECT_EQ(computed, 3);
  EXPECT_EQ(embed(timesteps({7})).rows().size(0), 1);  // a last, smaller batch
  EXPECT_EQ(computed, 3);
}

TEST_F(EmbeddingCacheTest, ProjectsOnceForEachLayer) {
  const at::NoGradGuard no_grad;
  const Linear other(ParameterScope(store) / "other", 2, 5);
  const Tensor t = timesteps({7, 7});
  EXPECT_EQ(embed(t).projected(layer).data_ptr(), embed(t).projected(layer).data_ptr());
  EXPECT_EQ(embed(t).projected(other).sizes(), at::IntArrayRef({2, 5}));
}

TEST_F(EmbeddingCacheTest, TellsClassesApart) {
  const at::NoGradGuard no_grad;
  const Tensor t = timesteps({7, 7});
  EXPECT_EQ(embed(t, timesteps({1, 1})).rows()[0][1].item<float>(), 1.0f);
  EXPECT_EQ(embed(t, timesteps({2, 2})).rows()[0][1].item<float>(), 2.0f);
  EXPECT_EQ(embed(t).rows()[0][1].item<float>(), 0.0f);
}

TEST_F(EmbeddingCacheTest, RemembersNothingWhereImagesDiffer) {
  const at::NoGradGuard no_grad;
  for (int i = 0; i < 2; ++i) {
    const Tensor rows = embed(timesteps({7, 8})).rows();
    EXPECT_TRUE(at::equal(rows.select(1, 0), at::tensor({7.0, 8.0}, at::kFloat)));
    EXPECT_TRUE(
        at::equal(embed(timesteps({7, 7}), timesteps({1, 2})).rows().select(1, 1), at::tensor({1.0, 2.0}, at::kFloat)));
  }
  EXPECT_EQ(computed, 4);
}

TEST_F(EmbeddingCacheTest, RemembersNothingWhereGradientsAreRecorded) {
  for (int i = 0; i < 2; ++i) embed(timesteps({7, 7}));
  EXPECT_EQ(computed, 2);
}

TEST_F(EmbeddingCacheTest, ForgetsWhenAParameterChanges) {
  const at::NoGradGuard no_grad;
  const Tensor t = timesteps({7, 7});
  const auto value = [&] { return embed(t).rows()[1][0].item<float>(); };
  Tensor& gain = parameters[0].second;
  EXPECT_EQ(value(), 7.0f);
  gain.mul_(2.0);
  EXPECT_EQ(value(), 14.0f);
  load_parameters(parameters, {{"gain", at::full({2}, 3.0)}}, "test");
  EXPECT_EQ(value(), 21.0f);
  gain.set_data(at::full({2}, 4.0));
  EXPECT_EQ(value(), 28.0f);
  gain = at::full({2}, 5.0);
  EXPECT_EQ(value(), 35.0f);
  Tensor first = at::zeros({2}), second = at::zeros({2});
  kernels::adamw_step(gain, at::ones({2}), first, second, {}, {.learning_rate = 1.0});
  EXPECT_NEAR(value(), 28.0f, 1e-4);
}

TEST(UNet, SamplesTheSameWhetherEmbeddingsAreSharedOrNot) {
  const at::NoGradGuard no_grad;
  UNetOptions options = small_options();
  options.classes = 4;
  for (const bool scale_shift : {true, false}) {
    options.scale_shift_norm = scale_shift;
    const UNet network = random_unet(options);
    const Tensor x_t = random_tensor({4, 3, 8, 8}, 1);
    // The last image's t and class keep the others' from being shared.
    const Tensor plain = network(x_t, timesteps({500, 500, 500, 17}), {.y = timesteps({2, 2, 2, 1})}).slice(0, 0, 3);
    for (int batch = 0; batch < 2; ++batch) {
      const Tensor shared = network(x_t, timesteps({500, 500, 500, 500}), {.y = timesteps({2, 2, 2, 2})});
      EXPECT_LT(largest_difference(shared.slice(0, 0, 3), plain), 1e-5 * plain.abs().max().item<double>());
    }
  }
}

TEST(UNet, SharedEmbeddingsFollowTheWeights) {
  const at::NoGradGuard no_grad;
  const UNet network = random_unet(small_options());
  const Tensor x_t = random_tensor({2, 3, 8, 8}, 1), t = timesteps({500, 500});
  network(x_t, t);
  for (const auto& [name, parameter] : network.parameters()) parameter.mul_(0.9);
  UNet fresh(small_options());
  load_parameters(fresh.parameters(), network.parameters(), "test");
  EXPECT_TRUE(at::equal(network(x_t, t), fresh(x_t, t)));
}

}  // namespace
}  // namespace iddpm
