#include "iddpm/evaluation/nearest_images.h"

#include <gtest/gtest.h>

#include "tests/expect_error.h"

namespace iddpm {
namespace {

// Image i has 10 i everywhere but for its left column, which has 200.
std::shared_ptr<const Dataset> graded_images(std::int64_t count) {
  Tensor images = (at::arange(count, at::kLong) * 10).to(at::kByte).view({count, 1, 1, 1}).repeat({1, 1, 4, 4});
  images.slice(3, 0, 1).fill_(200);
  return in_memory_dataset({.images = images, .labels = {}, .class_names = {}, .source = "graded"});
}

std::vector<std::vector<NearImage>> found(const Tensor& images, const NearestImagesOptions& options) {
  std::vector<std::string> skipped;
  return nearest_images(images, *graded_images(9), options, skipped);
}

Tensor image_of(const Dataset& dataset, std::int64_t index) { return dataset.image(index).unsqueeze(0); }

TEST(NearestImages, ACopyIsAtDistanceNought) {
  const auto dataset = graded_images(9);
  const auto nearest = found(image_of(*dataset, 7), {.neighbours = 3, .batch = 2});
  ASSERT_EQ(nearest.front().size(), 3U);
  EXPECT_EQ(nearest[0][0].index, 7);
  EXPECT_EQ(nearest[0][0].distance, 0);
  // 12 of 16 pixels differ by 10.
  EXPECT_NEAR(nearest[0][1].distance, 10 * std::sqrt(12.0 / 16), 1e-5);
  EXPECT_NEAR(nearest[0][2].distance, 10 * std::sqrt(12.0 / 16), 1e-5);
}

TEST(NearestImages, AMirroredCopyIsOneIfThatIsAsked) {
  const Tensor mirrored = image_of(*graded_images(9), 4).flip({3});
  EXPECT_GT(found(mirrored, {})[0][0].distance, 50);
  const auto nearest = found(mirrored, {.mirrored = true});
  EXPECT_EQ(nearest[0][0].index, 4);
  EXPECT_EQ(nearest[0][0].distance, 0);
}

TEST(NearestImages, AnImagesOwnPlaceIsLeftOut) {
  const auto dataset = graded_images(9);
  const Tensor two = at::cat({image_of(*dataset, 0), image_of(*dataset, 8)});
  const auto nearest = found(two, {.left_out = {0, 8}});
  EXPECT_EQ(nearest[0][0].index, 1);
  EXPECT_EQ(nearest[1][0].index, 7);
}

TEST(NearestImages, RefusesOtherShapesAndNumbers) {
  expect_error([] { found(at::zeros({1, 1, 4, 5}, at::kByte), {}); }, {"[1, 1, 4, 5]", "1, 4, 4"});
  expect_error([] { found(at::zeros({1, 1, 4, 4}), {}); }, {"bytes"});
  expect_error([] { found(at::zeros({1, 1, 4, 4}, at::kByte), {.neighbours = 0}); }, {"got 0"});
  expect_error([] { found(at::zeros({2, 1, 4, 4}, at::kByte), {.left_out = {1}}); }, {"2 images", "got 1"});
}

}  // namespace
}  // namespace iddpm
