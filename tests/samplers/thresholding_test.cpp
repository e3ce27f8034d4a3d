#include "iddpm/samplers/thresholding.h"

#include <gtest/gtest.h>

#include "iddpm/samplers/registry.h"
#include "tests/expect_error.h"
#include "tests/random_images.h"
#include "tests/samplers/toy_process.h"

namespace iddpm {
namespace {

Tensor one_row(const std::vector<double>& values) {
  return at::tensor(at::ArrayRef<double>(values), at::kDouble).view({1, 1, 1, -1});
}

TEST(Thresholding, DividesByTheQuantileWhereItExceedsOne) {
  // |x_0| sorted: 0, 1, 2, 3, 4; the quantile 0.75 is 3.
  EXPECT_TRUE(at::allclose(threshold(one_row({4.0, -3.0, 2.0, -1.0, 0.0}), {.quantile = 0.75}),
                           one_row({1.0, -1.0, 2.0 / 3.0, -1.0 / 3.0, 0.0})));
  // Interpolated: 0.9 of the way from 0 to 4 is 3.6.
  EXPECT_TRUE(at::allclose(threshold(one_row({4.0, -3.0, 2.0, -1.0, 0.0}), {.quantile = 0.9}),
                           one_row({1.0, -3.0 / 3.6, 2.0 / 3.6, -1.0 / 3.6, 0.0})));
  const Tensor small = one_row({0.5, -0.9, 0.1});
  EXPECT_TRUE(at::equal(threshold(small, {.quantile = 0.5}), small));
  EXPECT_TRUE(at::allclose(threshold(one_row({4.0, -3.0, 0.5}), {.quantile = 1.0, .greatest = 2.0}),
                           one_row({1.0, -1.0, 0.25})));
}

TEST(Thresholding, LooksAtEachImageByItself) {
  const Tensor images = at::cat({one_row({8.0, 0.0, -8.0}), one_row({0.5, 0.0, -0.5})});
  const Tensor limited = threshold(images, {.quantile = 1.0});
  EXPECT_TRUE(at::equal(limited[0], one_row({1.0, 0.0, -1.0})[0]));
  EXPECT_TRUE(at::equal(limited[1], images[1]));
}

TEST(Thresholding, OfADenoiserReplacesClippingAndSetsTheMean) {
  const ReverseProcess p_theta(ForwardProcess(cosine_schedule({.steps = 50})), {.variance = Variance::fixed_small});
  const Network network = [](const Tensor& x, const Tensor&) { return at::sin(3.0 * x); };
  const Tensor x_t = random_images({2, 1, 4, 4}, 5), t = at::tensor({40, 30}, at::kLong);
  const Prediction plain = denoiser_for(p_theta, network, {})(x_t, t);
  EXPECT_TRUE(at::equal(plain.x_0, p_theta.denoiser(network)(x_t, t).x_0));
  const Prediction limited = denoiser_for(p_theta, network, {.threshold = 0.8})(x_t, t);
  const Tensor unclipped = p_theta.predict(network, x_t, t, false).x_0;
  EXPECT_GT(unclipped.abs().max().item<double>(), 1.0);
  EXPECT_TRUE(at::equal(limited.x_0, threshold(unclipped, {.quantile = 0.8})));
  EXPECT_TRUE(at::equal(limited.mean, p_theta.q().posterior(limited.x_0, x_t, t).mean));
  EXPECT_FALSE(at::allclose(limited.x_0, plain.x_0));
}

TEST(Thresholding, RefusesWhatIsNoQuantile) {
  expect_error([] { threshold(one_row({1.0}), {.quantile = 1.5}); }, {"[0, 1]", "1.5"});
  expect_error([] { threshold(one_row({1.0}), {.greatest = 0.5}); }, {"at least 1", "0.5"});
}

}  // namespace
}  // namespace iddpm
