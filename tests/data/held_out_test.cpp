#include "iddpm/data/held_out.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/expect_error.h"

namespace iddpm {
namespace {

std::shared_ptr<const Dataset> numbered(std::int64_t images) {
  return in_memory_dataset({.images = at::arange(images, at::kByte).view({images, 1, 1, 1}),
                            .labels = at::arange(images, at::kLong).remainder(2),
                            .class_names = {"even", "odd"},
                            .source = "numbers"});
}

std::vector<int> pixels_of(const Dataset& dataset) {
  std::vector<int> pixels;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    pixels.push_back(dataset.image(i).item<int>());
    EXPECT_EQ(dataset.label(i), pixels.back() % 2);
  }
  return pixels;
}

}  // namespace

TEST(HoldOut, PartsTheImages) {
  const HeldOutSplit parts = hold_out(numbered(20), 0.21, 1);
  const std::vector<int> training = pixels_of(*parts.training), held_out = pixels_of(*parts.held_out);
  EXPECT_EQ(held_out.size(), 5U) << "rounded up";
  std::set<int> all(training.begin(), training.end());
  all.insert(held_out.begin(), held_out.end());
  EXPECT_EQ(all.size(), 20U);
  EXPECT_TRUE(std::is_sorted(training.begin(), training.end()));
  EXPECT_EQ(pixels_of(*hold_out(numbered(20), 0.21, 1).held_out), held_out);
  EXPECT_NE(pixels_of(*hold_out(numbered(20), 0.21, 2).held_out), held_out);
}

TEST(HoldOut, LeavesImagesForTraining) {
  expect_error([] { hold_out(numbered(4), 0.9, 0); }, {"left for training", "4 of 4"});
}

}  // namespace iddpm
