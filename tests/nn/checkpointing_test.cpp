#include "iddpm/nn/checkpointing.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "tests/nn/small_networks.h"

namespace iddpm {
namespace {

TEST(Checkpointing, GivesTheGradientsOfThePlainEvaluation) {
  const Tensor x = random_tensor({3, 4}, 1).requires_grad_(true);
  const Tensor weight = random_tensor({3, 4}, 2).requires_grad_(true);
  const Tensor unused = random_tensor({2}, 3).requires_grad_(true);
  const Segment segment = [&](const std::vector<Tensor>& inputs) { return at::sin(inputs[0] * weight).square(); };
  const auto plain = torch::autograd::grad({segment({x}).sum()}, {x, weight});
  const auto replayed = torch::autograd::grad({checkpointed(segment, {x}, {weight, unused}).sum()}, {x, weight});
  EXPECT_TRUE(replayed[0].equal(plain[0]));
  EXPECT_TRUE(replayed[1].equal(plain[1]));
}

TEST(Checkpointing, EvaluatesAgainInBackwardAndOnlyThen) {
  const Tensor x = random_tensor({3}, 1).requires_grad_(true);
  int evaluations = 0;
  const Segment segment = [&](const std::vector<Tensor>& inputs) {
    ++evaluations;
    return inputs[0].exp();
  };
  const Tensor y = checkpointed(segment, {x}, {}).sum();
  EXPECT_EQ(evaluations, 1);
  torch::autograd::grad({y}, {x});
  EXPECT_EQ(evaluations, 2);
  const at::NoGradGuard no_grad;
  EXPECT_FALSE(checkpointed(segment, {x}, {}).requires_grad());
  EXPECT_EQ(evaluations, 3);
}

TEST(Checkpointing, PassesOverInputsThatNeedNoGradient) {
  const Tensor x = random_tensor({3}, 1);
  const Tensor weight = random_tensor({3}, 2).requires_grad_(true);
  const Tensor y = checkpointed([&](const std::vector<Tensor>& inputs) { return inputs[0] * weight; }, {x}, {weight});
  EXPECT_TRUE(torch::autograd::grad({y.sum()}, {weight})[0].equal(x));
}

class CheckpointedNetwork : public testing::TestWithParam<at::ScalarType> {};

TEST_P(CheckpointedNetwork, GivesThePlainOutputAndGradientsWithDropoutOn) {
  UNetOptions options = small_options();
  options.dropout = 0.3;
  options.residual_resampling = true;
  const Tensor x_t = random_tensor({2, 3, 8, 8}, 1);
  const Tensor t = at::tensor({3, 500}, at::kLong);
  const Condition condition = {.dropout_keys = at::tensor({5, 6}, at::kLong)};
  std::vector<Tensor> outputs;
  std::vector<std::vector<Tensor>> gradients;
  for (const bool checkpointing : {false, true}) {
    options.checkpointing = checkpointing;
    // The network is gone when backward runs: the graph must own what it replays.
    std::vector<Tensor> leaves = {x_t.detach().clone().requires_grad_(true)};
    {
      UNet network = random_unet(options);
      network.set_compute_type(GetParam());
      for (const auto& [name, parameter] : network.parameters()) leaves.push_back(parameter);
      outputs.push_back(network(leaves[0], t, condition));
    }
    gradients.push_back(torch::autograd::grad({outputs.back().square().sum()}, leaves));
  }
  EXPECT_TRUE(outputs[0].equal(outputs[1]));
  // The gradients of a skip connection's two users are added in another order.
  const double tolerance = GetParam() == at::kDouble ? 1e-14 : 1e-6;
  double largest = 0;
  for (const Tensor& gradient : gradients[0]) largest = std::max(largest, gradient.abs().max().item<double>());
  for (std::size_t i = 0; i < gradients[0].size(); ++i) {
    EXPECT_LE((gradients[0][i] - gradients[1][i]).abs().max().item<double>(), tolerance * largest) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, CheckpointedNetwork, testing::Values(at::kDouble, at::kFloat));

}  // namespace
}  // namespace iddpm
