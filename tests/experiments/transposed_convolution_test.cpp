#include "experiments/baselines/dcgan/transposed_convolution.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "tests/random_images.h"

namespace iddpm::baselines {
namespace {

TEST(TransposedConvolution, IsLibTorchsWithItsGradients) {
  const Tensor x = random_noise({3, 5, 4, 7}, 1).set_requires_grad(true);
  const Tensor weight = random_noise({5, 2, 4, 4}, 2).set_requires_grad(true);
  const Tensor dy = random_noise({3, 2, 8, 14}, 3);
  const Tensor y = transposed_convolution(x, weight);
  const Tensor expected = at::conv_transpose2d(x, weight, {}, /*stride=*/2, /*padding=*/1);
  ASSERT_EQ(y.sizes(), expected.sizes());
  EXPECT_TRUE(at::allclose(y, expected, 1e-4, 1e-4));
  const auto gradients = torch::autograd::grad({y}, {x, weight}, {dy});
  const auto expected_gradients = torch::autograd::grad({expected}, {x, weight}, {dy});
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    EXPECT_TRUE(at::allclose(gradients[i], expected_gradients[i], 1e-4, 1e-4)) << i;
  }
}

}  // namespace
}  // namespace iddpm::baselines
