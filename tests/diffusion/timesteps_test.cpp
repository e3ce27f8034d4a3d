#include "iddpm/diffusion/timesteps.h"

#include <gtest/gtest.h>

#include "iddpm/diffusion/reverse_process.h"
#include "tests/expect_error.h"
#include "tests/operation_counter.h"
#include "tests/random_images.h"

namespace iddpm::timesteps_test {
namespace {

const std::vector<std::int64_t> shape = {3, 2, 4, 4};

TEST(Timesteps, AreTheSameOnTheHostAndInATensor) {
  const Tensor tensor = at::tensor({5, 0, 7}, at::kLong);
  const Timesteps t = tensor;
  EXPECT_EQ(t.values(), (std::vector<std::int64_t>{5, 0, 7}));
  EXPECT_TRUE(at::equal(t.on(at::kCPU), tensor));
  EXPECT_TRUE(at::equal(t.rows(1, 2).on(at::kCPU), tensor.narrow(0, 1, 2)));
  EXPECT_EQ(t.rows(1, 2), Timesteps(std::vector<std::int64_t>{0, 7}));
  EXPECT_TRUE(at::equal(Timesteps::repeated(4, 3).on(at::kCPU), at::full({3}, 4, at::kLong)));
  EXPECT_TRUE(t.contain(7));
  EXPECT_FALSE(t.contain(1));
}

TEST(Timesteps, AreMadeForADeviceOnce) {
  const Timesteps t(std::vector<std::int64_t>{5, 0, 7});
  EXPECT_TRUE(t.on(at::kCPU).is_same(t.on(at::kCPU)));
}

TEST(Timesteps, AreKeptFromWhatTheTensorBecomes) {
  const Tensor tensor = at::tensor({5, 0, 7}, at::kLong);
  const Timesteps t = tensor;
  tensor.zero_();
  EXPECT_EQ(t.on(at::kCPU)[0].item<std::int64_t>(), 5);
}

TEST(TimestepTable, GivesWhatTheTableHolds) {
  const std::vector<double> values = {0.1, 0.2, 0.3};
  const TimestepTable table(values);
  const Timesteps t(std::vector<std::int64_t>{2, 0, 2});
  for (const at::ScalarType type : {at::kFloat, at::kDouble, at::kBFloat16}) {
    const Tensor x = at::zeros(shape, type);
    const Tensor entries = table.at(t, x);
    EXPECT_TRUE(at::equal(entries, at::tensor({0.3, 0.1, 0.3}, at::kDouble).to(type).view({3, 1, 1, 1})));
    EXPECT_TRUE(at::equal(entries, at_timesteps(values, t, x)));
  }
  EXPECT_TRUE(at::equal(TimestepTable(at::tensor({7, 8, 9}, at::kLong)).entries(t, at::kCPU),
                        at::tensor({9, 7, 9}, at::kLong)));
}

TEST(TimestepTable, IsConvertedOnceForAllItsCopies) {
  const TimestepTable table(std::vector<double>{0.1, 0.2, 0.3});
  const TimestepTable copy = table;
  const Timesteps t = Timesteps::repeated(1, 3);
  const Tensor x = at::zeros(shape);
  table.at(t, x);
  const OperationCounter counter;
  copy.at(t, x);
  EXPECT_EQ(counter.count("aten::_to_copy") + counter.count("aten::copy_"), 0);
}

TEST(TimestepTable, RefusesWhatDoesntFit) {
  const TimestepTable table(std::vector<double>{0.1, 0.2, 0.3});
  const Timesteps t(std::vector<std::int64_t>{0, 3, 1});
  expect_error([&] { table.at(t, at::zeros(shape)); }, {"0 to 2", "got 3"});
  expect_error([&] { table.entries(t, at::kCPU); }, {"0 to 2", "got 3"});
  expect_error([&] { table.at(Timesteps::repeated(1, 2), at::zeros(shape)); }, {"3 images", "got 2"});
  expect_error([&] { table.at(Timesteps::repeated(1, 3), at::zeros(shape, at::kLong)); }, {"floating-point", "Long"});
}

// On a device each of these would be a wait.
TEST(ReverseProcess, FetchesNothingWhenItPredicts) {
  const ReverseProcess p_theta = ReverseProcess(ForwardProcess(cosine_schedule({.steps = 50}))).respaced("10");
  const Tensor x = random_images(shape, 1), output = random_noise({3, 4, 4, 4}, 2);
  const Network network = [output](const Tensor&, const Tensor&) { return output; };
  const auto predict = [&] { return p_theta.predict(network, x, Timesteps(std::vector<std::int64_t>{0, 9, 4})); };
  predict();
  const OperationCounter counter;
  predict();
  EXPECT_EQ(counter.count("aten::item") + counter.count("aten::_local_scalar_dense"), 0);
  EXPECT_GT(counter.count("aten::index_select"), 0) << "the counter works";
}

}  // namespace
}  // namespace iddpm::timesteps_test
