#include "iddpm/evaluation/likelihood/bits_per_dimension.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "iddpm/diffusion/noise_schedule.h"
#include "iddpm/evaluation/dataset_images.h"
#include "tests/expect_error.h"
#include "tests/golden_case.h"

namespace iddpm {
namespace {

constexpr std::int64_t steps = 6;

const ReverseProcess p_theta(ForwardProcess(cosine_schedule({.steps = steps})));

// Of a network that is a formula, one learned variance channel per image channel.
Denoiser small_denoiser(double factor = 0.5) {
  return p_theta.denoiser([factor](const Tensor& x, const Tensor&) { return at::cat({x * factor, at::sin(x)}, 1); });
}

std::shared_ptr<const Dataset> images(std::int64_t count, std::uint64_t seed, bool labels = false) {
  auto generator = at::detail::createCPUGenerator(seed);
  const Tensor pixels = at::randint(0, 256, {count, 1, 4, 4}, generator, at::TensorOptions(at::kByte));
  ImagesInMemory contents{.images = pixels, .labels = {}, .class_names = {}, .source = "test"};
  if (labels) {
    contents.labels = at::arange(count, at::kLong) % 2;
    contents.class_names = {"even", "odd"};
  }
  return in_memory_dataset(contents);
}

// Images 1 and 4 can't be read.
class BrokenDataset : public Dataset {
 public:
  explicit BrokenDataset(std::shared_ptr<const Dataset> good) : good_(std::move(good)) {}
  std::int64_t size() const override { return good_->size(); }
  std::vector<std::int64_t> image_shape() const override { return good_->image_shape(); }
  Tensor image(std::int64_t index) const override {
    if (index == 1 || index == 4) fail("{} is broken", image_name(index));
    return good_->image(index);
  }
  std::int64_t label(std::int64_t index) const override { return good_->label(index); }
  const std::vector<std::string>& class_names() const override { return good_->class_names(); }
  std::string image_name(std::int64_t index) const override { return "image " + std::to_string(index); }

 private:
  std::shared_ptr<const Dataset> good_;
};

TEST(BitsPerDimension, DoNotDependOnTheBatch) {
  const auto dataset = images(7, 1);
  const auto whole = bits_per_dimension(p_theta.q(), small_denoiser(), *dataset, {.batch = 7});
  EXPECT_EQ(whole.images, 7);
  for (const std::int64_t batch : {1, 3, 100}) {
    const auto parts = bits_per_dimension(p_theta.q(), small_denoiser(), *dataset, {.batch = batch});
    ASSERT_EQ(parts.per_image.size(), whole.per_image.size());
    for (std::size_t i = 0; i < whole.per_image.size(); ++i) {
      EXPECT_NEAR(parts.per_image[i], whole.per_image[i], 1e-5) << i;
    }
    EXPECT_NEAR(parts.total, whole.total, 1e-6);
    EXPECT_NEAR(parts.standard_error, whole.standard_error, 1e-6);
    for (std::size_t t = 0; t < whole.terms.size(); ++t) {
      EXPECT_NEAR(parts.terms[t], whole.terms[t], 1e-6);
      EXPECT_NEAR(parts.terms_standard_error[t], whole.terms_standard_error[t], 1e-6);
    }
  }
}

TEST(BitsPerDimension, AreTheSumOfTheirTermsAndThePrior) {
  const auto result = bits_per_dimension(p_theta.q(), small_denoiser(), *images(5, 2));
  double sum = result.prior;
  for (const double term : result.terms) sum += term;
  EXPECT_NEAR(result.total, sum, 1e-9);
  EXPECT_EQ(result.terms.size(), static_cast<std::size_t>(steps));
}

TEST(BitsPerDimension, GiveTheStandardErrorOfAMean) {
  const auto result = bits_per_dimension(p_theta.q(), small_denoiser(), *images(9, 3), {.batch = 4});
  double mean = 0.0;
  double spread = 0.0;
  for (const double value : result.per_image) mean += value / 9.0;
  for (const double value : result.per_image) spread += (value - mean) * (value - mean);
  EXPECT_NEAR(result.total, mean, 1e-12);
  EXPECT_NEAR(result.standard_error, std::sqrt(spread / 8.0 / 9.0), 1e-12);
  EXPECT_EQ(bits_per_dimension(p_theta.q(), small_denoiser(), *images(1, 3)).standard_error, 0.0);
}

TEST(BitsPerDimension, OfAnImageAreTheSameWhateverElseIsMeasured) {
  const auto dataset = images(8, 4);
  const auto all = bits_per_dimension(p_theta.q(), small_denoiser(), *dataset, {.batch = 3});
  const auto half = bits_per_dimension(p_theta.q(), small_denoiser(), *dataset, {.count = 4, .batch = 2});
  ASSERT_EQ(half.per_image.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(half.per_image[i], all.per_image[2 * i], 1e-5);
}

TEST(BitsPerDimension, DependOnTheSeedOfTheNoise) {
  const auto dataset = images(3, 5);
  const auto first = bits_per_dimension(p_theta.q(), small_denoiser(), *dataset, {.seed = 1});
  EXPECT_EQ(first.total, bits_per_dimension(p_theta.q(), small_denoiser(), *dataset, {.seed = 1}).total);
  EXPECT_NE(first.total, bits_per_dimension(p_theta.q(), small_denoiser(), *dataset, {.seed = 2}).total);
}

TEST(BitsPerDimension, TakeAnImageOnceThoughMoreAreAskedFor) {
  EXPECT_EQ(bits_per_dimension(p_theta.q(), small_denoiser(), *images(3, 6), {.count = 100}).images, 3);
}

TEST(BitsPerDimension, TellTheNetworkTheClassesOfEachBatch) {
  std::vector<std::int64_t> seen;
  const DenoiserOfImages denoiser_of = [&](const DatasetImages& images) {
    for (std::int64_t i = 0; i < images.y.size(0); ++i) seen.push_back(images.y[i].item<std::int64_t>());
    return small_denoiser();
  };
  bits_per_dimension(p_theta.q(), denoiser_of, *images(5, 7, true), {.batch = 2});
  EXPECT_EQ(seen, (std::vector<std::int64_t>{0, 1, 0, 1, 0}));
}

TEST(BitsPerDimension, LeaveOutBrokenImagesAndNameThem) {
  const auto good = images(6, 8);
  const auto whole = bits_per_dimension(p_theta.q(), small_denoiser(), *good);
  const auto result = bits_per_dimension(p_theta.q(), small_denoiser(), BrokenDataset(good), {.batch = 2});
  EXPECT_EQ(result.images, 4);
  EXPECT_EQ(result.skipped, (std::vector<std::string>{"image 1", "image 4"}));
  EXPECT_NEAR(result.per_image[1], whole.per_image[2], 1e-5);
}

TEST(BitsPerDimension, LeaveOutImagesWhoseBoundIsNotFiniteAndNameThem) {
  const BrokenDataset named(images(4, 6));
  const auto whole = bits_per_dimension(p_theta.q(), small_denoiser(), named, {.batch = 1});
  ASSERT_EQ(whole.images, 3);
  // The noisiest x_t of the first image of a batch of three becomes infinite.
  const Denoiser broken = [](const Tensor& x_t, const Tensor& t) {
    Prediction prediction = small_denoiser()(x_t, t);
    if (t[0].item<std::int64_t>() == steps - 1) {
      prediction.x_0 = prediction.x_0.clone();
      prediction.x_0[0].fill_(std::numeric_limits<float>::quiet_NaN());
    }
    return prediction;
  };
  const auto result = bits_per_dimension(p_theta.q(), broken, named, {.batch = 3});
  EXPECT_EQ(result.not_finite, std::vector<std::string>{"image 0"});
  EXPECT_EQ(result.skipped, std::vector<std::string>{"image 1"});
  EXPECT_EQ(result.images, 2);
  EXPECT_NEAR(result.total, (whole.per_image[1] + whole.per_image[2]) / 2, 1e-6);
  const std::string error = error_of([&] { bits_per_dimension(p_theta.q(), broken, named, {.batch = 1}); });
  EXPECT_TRUE(contains(error, "none of 3 images is finite")) << error;
  EXPECT_TRUE(contains(error, fmt::format("t = {}", steps - 1))) << error;
}

TEST(BitsPerDimension, ReportProgressToTheEndAndCanBeStopped) {
  std::int64_t last = 0;
  std::int64_t all = 0;
  bits_per_dimension(p_theta.q(), small_denoiser(), *images(5, 9), {.batch = 2},
                     [&](std::int64_t done, std::int64_t total) {
                       EXPECT_GT(done, last);
                       last = done;
                       all = total;
                     });
  EXPECT_EQ(last, 5 * steps);
  EXPECT_EQ(all, last);
  EXPECT_THROW(bits_per_dimension(p_theta.q(), small_denoiser(), *images(5, 9), {},
                                  [](std::int64_t, std::int64_t) { throw Error("stopped"); }),
               Error);
}

TEST(BitsPerDimension, RefuseImpossibleCounts) {
  expect_error([] { bits_per_dimension(p_theta.q(), small_denoiser(), *images(3, 10), {.count = -1}); }, {"-1"});
  expect_error([] { bits_per_dimension(p_theta.q(), small_denoiser(), *images(3, 10), {.batch = 0}); }, {"0"});
}

TEST(BitsPerDimension, RecordTheirProtocol) {
  const auto result = bits_per_dimension(p_theta.q(), small_denoiser(), *images(4, 11));
  const Protocol protocol = likelihood_protocol(result, "test images", {.checkpoint = "a run", .steps = steps});
  EXPECT_EQ(protocol.images.source, "test images");
  EXPECT_EQ(protocol.images.count, 4);
  const auto again = bits_per_dimension(p_theta.q(), small_denoiser(0.3), *images(4, 11), {.batch = 3, .seed = 5});
  EXPECT_NO_THROW(require_comparable(protocol, likelihood_protocol(again, "the same", {})));
  const auto other = bits_per_dimension(p_theta.q(), small_denoiser(), *images(4, 12));
  EXPECT_THROW(require_comparable(protocol, likelihood_protocol(other, "others", {})), Error);
}

TEST(BoundTerms, OfAPerfectNetworkOnConstantImagesAreNearZeroButForTheDecoder) {
  // With x_0 known to be 0, epsilon follows from x_t exactly, and the best variance is the posterior's (v = -1).
  const ForwardProcess q(linear_schedule({.steps = 50}));
  const Network knowing = [&](const Tensor& x_t, const Tensor& t) {
    const Tensor epsilon = q.noise_from_x_0(x_t, t, at::zeros_like(x_t));
    return at::cat({epsilon, at::full_like(x_t, -1.0)}, 1);
  };
  const Denoiser denoiser = ReverseProcess(q, {.rescale_timesteps = false}).denoiser(knowing);
  std::vector<RandomStream> streams = {{1, StreamPurpose::evaluation, 0}, {1, StreamPurpose::evaluation, 1}};
  const auto bound = bound_terms(q, denoiser, at::zeros({2, 1, 4, 4}), noise_from_streams(streams, {1, 4, 4}));
  EXPECT_LT(bound.terms.slice(1, 1).abs().max().item<double>(), 1e-6);
  EXPECT_LT(bound.x_0_error.max().item<double>(), 1e-6);
  EXPECT_LT(bound.epsilon_error.max().item<double>(), 1e-6);
  EXPECT_GT(bound.terms.select(1, 0).min().item<double>(), 0.0);
}

TEST(EvenlySpread, TakesEveryPartOnceAndInOrder) {
  EXPECT_EQ(evenly_spread(10, 5), (std::vector<std::int64_t>{0, 2, 4, 6, 8}));
  EXPECT_EQ(evenly_spread(3, 0), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(evenly_spread(3, 7), (std::vector<std::int64_t>{0, 1, 2}));
  const auto numbers = evenly_spread(1000, 333);
  EXPECT_EQ(std::set<std::int64_t>(numbers.begin(), numbers.end()).size(), 333U);
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  EXPECT_GE(numbers.back(), 996);
}

}  // namespace
}  // namespace iddpm
