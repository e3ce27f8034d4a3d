#include "iddpm/data/batch_loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <cmath>
#include <set>
#include <stdexcept>
#include <utility>

#include "iddpm/core/random_stream.h"
#include "tests/data/data_samples.h"

namespace iddpm {
namespace {

/// numbered_dataset with some images broken, counting what is read.
class PartlyBroken : public Dataset {
 public:
  PartlyBroken(std::int64_t count, std::set<std::int64_t> broken)
      : good_(numbered_dataset(count)), broken_(std::move(broken)) {}

  std::int64_t size() const override { return good_->size(); }
  std::vector<std::int64_t> image_shape() const override { return good_->image_shape(); }
  Tensor image(std::int64_t index) const override {
    ++reads;
    if (broken_.contains(index)) fail("{} is broken", image_name(index));
    return good_->image(index);
  }
  std::int64_t label(std::int64_t index) const override { return good_->label(index); }
  const std::vector<std::string>& class_names() const override { return good_->class_names(); }
  std::string image_name(std::int64_t index) const override { return fmt::format("picture {}", index); }

  mutable std::atomic<std::int64_t> reads = 0;

 private:
  std::shared_ptr<const Dataset> good_;
  std::set<std::int64_t> broken_;
};

/// Which image of numbered_dataset a row is, told by its first pixel, or by its last but two if mirrored.
std::int64_t number_of(const Tensor& image) {
  const auto bytes = [&](std::int64_t row, std::int64_t column) {
    return std::lround((image[0][row][column].item<double>() + 1.0) * 127.5);
  };
  return std::max(bytes(0, 0), bytes(0, 2));
}

std::vector<std::int64_t> numbers_of(const Batch& batch) {
  std::vector<std::int64_t> numbers;
  for (std::int64_t i = 0; i < batch.x_0.size(0); ++i) numbers.push_back(number_of(batch.x_0[i]));
  return numbers;
}

std::vector<std::int64_t> first_numbers(std::shared_ptr<const Dataset> dataset, const BatchLoaderOptions& options,
                                        int batches) {
  BatchLoader loader(std::move(dataset), options);
  std::vector<std::int64_t> numbers;
  for (int i = 0; i < batches; ++i) {
    for (const std::int64_t number : numbers_of(loader.next())) numbers.push_back(number);
  }
  return numbers;
}

/// The order the header promises.
std::vector<std::int64_t> promised_order(std::uint64_t seed, std::int64_t size, std::int64_t examples) {
  std::vector<std::int64_t> numbers;
  for (std::int64_t g = 0; g < examples; ++g) {
    const RandomStream stream(seed, StreamPurpose::data_order, static_cast<std::uint64_t>(g / size));
    numbers.push_back(permutation(stream, size)[static_cast<std::size_t>(g % size)]);
  }
  return numbers;
}

TEST(BatchLoader, FollowsTheOrderOfEachEpoch) {
  // 5 batches of 6 of 10 images: epochs begin inside batches.
  EXPECT_EQ(first_numbers(numbered_dataset(10), {.batch = 6, .seed = 3}, 5), promised_order(3, 10, 30));
  EXPECT_NE(promised_order(3, 10, 10), promised_order(4, 10, 10));
}

TEST(BatchLoader, SharesOfABatchTogetherAreTheBatch) {
  constexpr int batches = 10;  // 5 epochs
  std::vector<BatchLoader> loaders;
  loaders.emplace_back(numbered_dataset(10), BatchLoaderOptions{.batch = 5, .first_row = 0, .rows = 3, .seed = 3});
  loaders.emplace_back(numbered_dataset(10), BatchLoaderOptions{.batch = 5, .first_row = 3, .rows = 2, .seed = 3});
  std::vector<std::int64_t> numbers;
  for (int i = 0; i < batches; ++i) {
    for (std::size_t k = 0; k < loaders.size(); ++k) {
      const Batch batch = loaders[k].next();
      EXPECT_EQ(batch.first_example, 5 * i + (k == 0 ? 0 : 3));
      for (const std::int64_t number : numbers_of(batch)) numbers.push_back(number);
    }
  }
  EXPECT_EQ(numbers, promised_order(3, 10, 50)) << "each image once in an epoch";
  EXPECT_THROW(BatchLoader(numbered_dataset(10), {.batch = 5, .first_row = 3, .rows = 3}), Error);
}

TEST(BatchLoader, GivesPixelsInMinusOneToOneAndClasses) {
  BatchLoader loader(numbered_dataset(10), {.batch = 4});
  const Batch batch = loader.next();
  EXPECT_EQ(batch.x_0.sizes(), (at::IntArrayRef{4, 1, 2, 3}));
  EXPECT_EQ(batch.x_0.scalar_type(), at::kFloat);
  EXPECT_EQ(batch.first_example, 0);
  EXPECT_EQ(batch.y.scalar_type(), at::kLong);
  const auto numbers = numbers_of(batch);
  for (std::int64_t i = 0; i < 4; ++i) {
    const std::int64_t number = numbers[static_cast<std::size_t>(i)];
    EXPECT_EQ(batch.y[i].item<std::int64_t>(), number % 2);
    EXPECT_EQ(batch.x_0[i][0][1][2].item<float>(), static_cast<float>(100 + number) / 127.5F - 1.0F);
    EXPECT_EQ(batch.x_0[i][0][0][1].item<float>(), -1.0F);
  }
  EXPECT_EQ(loader.next().first_example, 4);
}

TEST(BatchLoader, WithoutClassesHasNoLabels) {
  BatchLoader loader(in_memory_dataset({at::zeros({3, 1, 2, 2}, at::kByte), {}, {}, "mine"}), {.batch = 2});
  EXPECT_FALSE(loader.next().y.defined());
}

TEST(BatchLoader, ResumesAnywhere) {
  const BatchLoaderOptions options = {.batch = 4, .seed = 11, .random_flip = true};
  BatchLoader whole(numbered_dataset(10), options);
  std::vector<Batch> batches;
  for (int i = 0; i < 8; ++i) batches.push_back(whole.next());
  for (const std::int64_t start : {1, 3, 7}) {
    BatchLoaderOptions resumed = options;
    resumed.first_example = start * 4;
    BatchLoader rest(numbered_dataset(10), resumed);
    for (auto i = static_cast<std::size_t>(start); i < batches.size(); ++i) {
      const Batch batch = rest.next();
      EXPECT_EQ(batch.first_example, batches[i].first_example);
      EXPECT_TRUE(at::equal(batch.x_0, batches[i].x_0));
      EXPECT_TRUE(at::equal(batch.y, batches[i].y));
    }
  }
}

TEST(BatchLoader, ResumesWithAnotherBatchSize) {
  const auto dataset = numbered_dataset(10);
  auto numbers = first_numbers(dataset, {.batch = 5, .seed = 2}, 3);
  const auto rest = first_numbers(dataset, {.batch = 3, .seed = 2, .first_example = 15}, 5);
  numbers.insert(numbers.end(), rest.begin(), rest.end());
  EXPECT_EQ(numbers, promised_order(2, 10, 30));
}

TEST(BatchLoader, IsTheSameForAnyNumberOfWorkers) {
  const auto dataset = std::make_shared<PartlyBroken>(20, std::set<std::int64_t>{2, 3, 17});
  const auto read = [&](std::int64_t workers, std::int64_t ahead) {
    BatchLoader loader(dataset,
                       {.batch = 7, .seed = 5, .random_flip = true, .workers = workers, .batches_ahead = ahead});
    std::vector<Tensor> images;
    std::vector<std::vector<std::string>> skipped;
    for (int i = 0; i < 40; ++i) {
      images.push_back(loader.next().x_0);
      skipped.push_back(loader.skipped());
    }
    return std::pair(at::cat(images), skipped);
  };
  const auto [images, skipped] = read(1, 1);
  for (const auto& [workers, ahead] : {std::pair<std::int64_t, std::int64_t>{3, 4}, {2, 1}, {5, 9}}) {
    const auto [others, others_skipped] = read(workers, ahead);
    EXPECT_TRUE(at::equal(others, images)) << workers << " workers";
    EXPECT_EQ(others_skipped, skipped) << workers << " workers";
  }
}

TEST(BatchLoader, GivesWorkToMoreWorkersThanBatchesAhead) {
  // Each reading waits until eight are going on at once: with fewer workers at work, none would end.
  class Meeting : public PartlyBroken {
   public:
    Meeting() : PartlyBroken(100, {}), place_(8) {}
    Tensor image(std::int64_t index) const override {
      if (readings_++ < 8) place_.arrive_and_wait();
      return PartlyBroken::image(index);
    }

   private:
    mutable std::barrier<> place_;
    mutable std::atomic<int> readings_ = 0;
  };
  BatchLoader loader(std::make_shared<Meeting>(), {.batch = 32, .workers = 8, .batches_ahead = 1});
  EXPECT_EQ(loader.next().x_0.size(0), 32);
}

TEST(BatchLoader, FlipsOnlyMirror) {
  const BatchLoaderOptions plain = {.batch = 50, .seed = 9};
  BatchLoaderOptions flipped = plain;
  flipped.random_flip = true;
  BatchLoader straight(numbered_dataset(20), plain);
  BatchLoader mirrored(numbered_dataset(20), flipped);
  int flips = 0;
  for (int batch = 0; batch < 4; ++batch) {
    const Tensor expected = straight.next().x_0;
    const Tensor found = mirrored.next().x_0;
    for (std::int64_t i = 0; i < 50; ++i) {
      RandomStream stream(9, StreamPurpose::augmentation, static_cast<std::uint64_t>(batch * 50 + i));
      const bool flip = stream.uniform() < 0.5;
      flips += flip ? 1 : 0;
      EXPECT_TRUE(at::equal(found[i], flip ? expected[i].flip(-1) : expected[i]));
    }
  }
  EXPECT_GT(flips, 70);
  EXPECT_LT(flips, 130);
}

TEST(BatchLoader, ReplacesABrokenImageByTheNextGoodOne) {
  const std::int64_t size = 6;
  const auto order = promised_order(1, size, size);
  // The last of the epoch and the one before it: both are replaced by the first.
  const auto dataset = std::make_shared<PartlyBroken>(size, std::set<std::int64_t>{order[4], order[5]});
  BatchLoader loader(dataset, {.batch = 6, .seed = 1});
  EXPECT_EQ(numbers_of(loader.next()),
            (std::vector<std::int64_t>{order[0], order[1], order[2], order[3], order[0], order[0]}));
  EXPECT_EQ(loader.skipped(),
            (std::vector<std::string>{fmt::format("picture {}", order[4]), fmt::format("picture {}", order[5])}));
}

TEST(BatchLoader, NamesEachBrokenImageOnce) {
  BatchLoader loader(std::make_shared<PartlyBroken>(5, std::set<std::int64_t>{2}), {.batch = 5, .workers = 2});
  EXPECT_TRUE(loader.skipped().empty());
  for (int i = 0; i < 10; ++i) loader.next();
  EXPECT_EQ(loader.skipped(), (std::vector<std::string>{"picture 2"}));
}

TEST(BatchLoader, StrictRefusesABrokenImageInItsTurn) {
  const std::int64_t size = 12;
  const auto order = promised_order(1, size, size);
  const auto dataset = std::make_shared<PartlyBroken>(size, std::set<std::int64_t>{order[7]});
  BatchLoader loader(dataset, {.batch = 3, .seed = 1, .workers = 3, .strict = true});
  EXPECT_EQ(numbers_of(loader.next()), promised_order(1, size, 3));
  loader.next();
  const std::string name = fmt::format("picture {} is broken", order[7]);
  expect_error([&] { loader.next(); }, {name});
  expect_error([&] { loader.next(); }, {name});
}

TEST(BatchLoader, AllImagesBroken) {
  BatchLoader loader(std::make_shared<PartlyBroken>(3, std::set<std::int64_t>{0, 1, 2}), {.batch = 2});
  expect_error([&] { loader.next(); }, {"none of the 3 images", "is broken"});
}

TEST(BatchLoader, ForwardsOtherExceptions) {
  class Exhausted : public PartlyBroken {
   public:
    Exhausted() : PartlyBroken(4, {}) {}
    Tensor image(std::int64_t) const override { throw std::bad_alloc(); }
  };
  BatchLoader loader(std::make_shared<Exhausted>(), {.batch = 2, .workers = 2});
  EXPECT_THROW(loader.next(), std::bad_alloc);
}

TEST(BatchLoader, RefusesAnImageOfAnotherShape) {
  class Odd : public PartlyBroken {
   public:
    Odd() : PartlyBroken(4, {}) {}
    Tensor image(std::int64_t) const override { return at::zeros({1, 3, 3}, at::kByte); }
  };
  BatchLoader loader(std::make_shared<Odd>(), {.batch = 2, .strict = true});
  expect_error([&] { loader.next(); }, {"picture", "[1, 2, 3]", "[1, 3, 3]"});
}

TEST(BatchLoader, DecodesNoFurtherAheadThanAsked) {
  const auto dataset = std::make_shared<PartlyBroken>(100, std::set<std::int64_t>{});
  {
    BatchLoader loader(dataset, {.batch = 10, .workers = 3, .batches_ahead = 2});
    for (int i = 0; i < 4; ++i) loader.next();
  }
  EXPECT_GE(dataset->reads, 40);
  EXPECT_LE(dataset->reads, 60);
}

TEST(BatchLoader, StopsAtOnceWhenItIsDestroyed) {
  // A batch of a million images would take minutes.
  const auto dataset = std::make_shared<PartlyBroken>(3, std::set<std::int64_t>{});
  { BatchLoader loader(dataset, {.batch = 1'000'000, .workers = 2}); }
  EXPECT_LT(dataset->reads, 1'000'000);
}

TEST(BatchLoader, CanBeMoved) {
  BatchLoader loader(numbered_dataset(10), {.batch = 5, .seed = 3});
  auto numbers = numbers_of(loader.next());
  BatchLoader moved = std::move(loader);
  for (const std::int64_t number : numbers_of(moved.next())) numbers.push_back(number);
  EXPECT_EQ(numbers, promised_order(3, 10, 10));
  EXPECT_GE(moved.seconds_waited(), 0.0);
}

TEST(BatchLoader, ChecksItsOptions) {
  const auto dataset = numbered_dataset(3);
  expect_error([&] { BatchLoader(dataset, {.batch = 0}); }, {"batch", "got 0"});
  expect_error([&] { BatchLoader(dataset, {.workers = 0}); }, {"workers", "got 0"});
  expect_error([&] { BatchLoader(dataset, {.batches_ahead = 0}); }, {"batches ahead", "got 0"});
  expect_error([&] { BatchLoader(dataset, {.first_example = -1}); }, {"first example", "got -1"});
  expect_error([&] { BatchLoader(nullptr, {}); }, {"data set"});
}

TEST(ReadBatch, IsInTheOrderOfTheDataSet) {
  const Batch batch = read_batch(*numbered_dataset(10), 6, 4);
  EXPECT_EQ(numbers_of(batch), (std::vector<std::int64_t>{6, 7, 8, 9}));
  EXPECT_EQ(batch.first_example, 6);
  EXPECT_EQ(batch.y[1].item<std::int64_t>(), 1);
}

TEST(ReadBatch, LeavesBrokenImagesOutOrRefusesThem) {
  const PartlyBroken dataset(5, {1, 2});
  std::vector<std::string> skipped;
  const Batch batch = read_batch(dataset, 0, 5, &skipped);
  EXPECT_EQ(numbers_of(batch), (std::vector<std::int64_t>{0, 3, 4}));
  EXPECT_EQ(batch.y.size(0), 3);
  EXPECT_EQ(skipped, (std::vector<std::string>{"picture 1", "picture 2"}));
  expect_error([&] { read_batch(dataset, 0, 5); }, {"picture 1"});
  expect_error([&] { read_batch(dataset, 3, 3); }, {"read_batch", "0 to 5", "3 from 3"});
}

}  // namespace
}  // namespace iddpm
