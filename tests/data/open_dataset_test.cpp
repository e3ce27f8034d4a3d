#include <gtest/gtest.h>

#include <filesystem>

#include "iddpm/data/dataset.h"
#include "iddpm/data/dataset_summary.h"
#include "tests/data/data_samples.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

const Image grey_square = plain_image(4, 4, {9});

TEST(OpenDataset, MissingPath) {
  const TemporaryFolder folder;
  expect_error([&] { open_dataset(folder / "nothing"); }, {(folder / "nothing").string(), "no data set"});
  expect_error([&] { has_test_split(folder / "nothing"); }, {"no data set"});
}

TEST(OpenDataset, EmptyFolderNamesTheKinds) {
  const TemporaryFolder folder;
  expect_error([&] { open_dataset(folder.path()); },
               {folder.path().string(), "is empty", ".png", "train-images-idx3-ubyte", "CIFAR", ".npz"});
}

TEST(OpenDataset, FolderWithoutImagesNamesTheKinds) {
  const TemporaryFolder folder;
  folder.write("readme.txt", "hello");
  folder.write("film.mp4", "film");
  expect_error([&] { open_dataset(folder.path()); }, {folder.path().string(), "no images", ".webp", ".npz"});
  fs::create_directory(folder / "sub");
  expect_error([&] { open_dataset(folder.path()); }, {folder.path().string(), "no images", ".webp"});
}

TEST(OpenDataset, FilesOfOtherKinds) {
  const TemporaryFolder folder;
  expect_error([&] { open_dataset(folder.write("a.txt", "text")); }, {"a.txt", "no supported kind", "CIFAR"});
  expect_error([&] { open_dataset(folder.write("empty", "")); }, {"empty", "no supported kind"});
  expect_error([&] { open_dataset(write_image(folder, "a.png", grey_square)); }, {"a.png", "single image", "folder"});
}

TEST(OpenDataset, FolderOfArchives) {
  const TemporaryFolder folder;
  folder.write("train_data_batch_1.npz", "PK");
  expect_error([&] { open_dataset(folder.path()); }, {"archives", "train_data_batch_1.npz"});
}

TEST(OpenDataset, FindsAFolderOfImages) {
  const TemporaryFolder folder;
  write_image(folder, "deep/down/a.png", grey_square);
  EXPECT_EQ(open_dataset(folder.path())->size(), 1);
}

TEST(OpenDataset, FolderThatCannotBeRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "everything is readable for root";
  const TemporaryFolder folder;
  fs::create_directory(folder / "closed");
  fs::permissions(folder / "closed", fs::perms::none);
  expect_error([&] { open_dataset(folder.path()); }, {"closed"});
}

TEST(InMemoryDataset, ChecksWhatItIsGiven) {
  const Tensor images = at::zeros({2, 3, 4, 4}, at::kByte);
  EXPECT_EQ(in_memory_dataset({images, {}, {}, "mine"})->size(), 2);
  expect_error([&] { in_memory_dataset({{}, {}, {}, "mine"}); }, {"mine", "nothing"});
  expect_error([&] { in_memory_dataset({images.to(at::kFloat), {}, {}, "mine"}); }, {"mine", "uint8", "Float"});
  expect_error([&] { in_memory_dataset({images.view({2, 1, 48}), {}, {}, "mine"}); }, {"[2, 1, 48]"});
  expect_error([&] { in_memory_dataset({images.view({2, 6, 4, 2}), {}, {}, "mine"}); }, {"channels", "got 6"});
  expect_error([&] { in_memory_dataset({images, at::tensor({0}), {"a"}, "mine"}); }, {"labels", "[1]"});
  expect_error(
      [&] {
        in_memory_dataset({images, at::tensor({0, 1}, at::kLong), {"a"}, "mine"});
      },
      {"image 1", "class is 1"});
  expect_error([&] { in_memory_dataset({images, {}, {"a"}, "mine"}); }, {"no labels"});
}

TEST(InMemoryDataset, CannotBeChangedThroughAnImageItGave) {
  const auto dataset = numbered_dataset(3);
  dataset->image(2).fill_(77);
  EXPECT_EQ(dataset->image(2)[0][0][0].item<int>(), 2);
  expect_error([&] { dataset->image(3); }, {"no image 3"});
}

TEST(DatasetSummary, DescribesAndTellsApart) {
  const auto numbers = numbered_dataset(5);
  const DatasetSummary summary = dataset_summary(*numbers, "some/where");
  EXPECT_EQ(summary.name, "some/where");
  EXPECT_EQ(summary.size, 5);
  EXPECT_EQ(summary.image_shape, (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(summary.class_names, (std::vector<std::string>{"even", "odd"}));
  EXPECT_EQ(summary.fingerprint.size(), 18u);
  EXPECT_EQ(dataset_summary(*numbered_dataset(5), "else/where").fingerprint, summary.fingerprint);
  EXPECT_NE(dataset_summary(*numbered_dataset(6), "some/where").fingerprint, summary.fingerprint);

  const Tensor images = at::zeros({5, 1, 2, 3}, at::kByte);
  const Tensor labels = at::zeros({5}, at::kLong);
  const auto fingerprint = [&] {
    return dataset_summary(*in_memory_dataset({images.clone(), labels.clone(), {"a", "b"}, "mine"}), "").fingerprint;
  };
  const std::string before = fingerprint();
  labels[3] = 1;
  const std::string relabelled = fingerprint();
  images[4][0][1][1] = 1;
  EXPECT_NE(relabelled, before);
  EXPECT_NE(fingerprint(), relabelled);
}

TEST(DatasetSummary, SeesEveryFileOfAFolder) {
  const TemporaryFolder folder;
  for (int i = 0; i < 9; ++i) write_image(folder, fmt::format("{}.png", i), patterned_image(8, 8, 1));
  const auto fingerprint = [&] { return dataset_summary(*open_dataset(folder.path()), "").fingerprint; };
  const std::string before = fingerprint();
  EXPECT_EQ(fingerprint(), before);
  for (const int i : {1, 2, 6}) {
    write_image(folder, fmt::format("{}.png", i), plain_image(8, 8, {7}));
    EXPECT_NE(fingerprint(), before) << i;
    write_image(folder, fmt::format("{}.png", i), patterned_image(8, 8, 1));
    EXPECT_EQ(fingerprint(), before) << i;
  }
  fs::rename(folder / "3.png", folder / "3b.png");
  EXPECT_NE(fingerprint(), before);
}

TEST(DatasetSummary, SeesEveryPixelInMemory) {
  const Tensor images = at::zeros({50, 2, 3, 3}, at::kByte).permute({0, 3, 1, 2});
  const auto fingerprint = [&] {
    return dataset_summary(*in_memory_dataset({images.clone(), {}, {}, "mine"}), "").fingerprint;
  };
  const std::string before = fingerprint();
  images[31][1][0][2] = 1;
  EXPECT_NE(fingerprint(), before);
}

TEST(DatasetSummary, KnowsWhatTheFirstVersionRecorded) {
  const auto numbers = numbered_dataset(5);
  EXPECT_TRUE(has_fingerprint(*numbers, dataset_summary(*numbers, "").fingerprint));
  EXPECT_TRUE(has_fingerprint(*numbers, "cebbaa15a3ca5f6c"));
  EXPECT_FALSE(has_fingerprint(*numbered_dataset(6), "cebbaa15a3ca5f6c"));
}

TEST(DefaultSize, FitsANetworkWithoutBeingTold) {
  const auto shape_of = [](std::int64_t width, std::int64_t height) {
    const TemporaryFolder folder;
    write_image(folder, "a.png", plain_image(width, height, {9}));
    const auto shape = open_dataset(folder.path(), {.default_largest_side = 64})->image_shape();
    return std::pair(shape[1], shape[2]);
  };
  EXPECT_EQ(shape_of(60, 40), (std::pair<std::int64_t, std::int64_t>{40, 60}));
  EXPECT_EQ(shape_of(45, 45), (std::pair<std::int64_t, std::int64_t>{44, 44}));
  EXPECT_EQ(shape_of(1000, 50), (std::pair<std::int64_t, std::int64_t>{48, 48}));
  EXPECT_EQ(shape_of(300, 200), (std::pair<std::int64_t, std::int64_t>{64, 64}));
  EXPECT_EQ(shape_of(28, 28), (std::pair<std::int64_t, std::int64_t>{28, 28}));
  EXPECT_EQ(shape_of(9, 8), (std::pair<std::int64_t, std::int64_t>{8, 8}));
  EXPECT_EQ(shape_of(1, 1), (std::pair<std::int64_t, std::int64_t>{1, 1}));
}

}  // namespace
}  // namespace iddpm
