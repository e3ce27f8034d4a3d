#include <gtest/gtest.h>

#include <filesystem>

#include "iddpm/data/dataset.h"
#include "tests/data/data_samples.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

/// One record: its label bytes, then planes of red, green and blue of `value`, `value` + 1 and `value` + 2.
std::string record(const std::vector<int>& labels, int value) {
  std::string bytes;
  for (const int label : labels) bytes += static_cast<char>(label);
  for (int channel = 0; channel < 3; ++channel) bytes += std::string(1024, static_cast<char>(value + channel));
  return bytes;
}

std::string ten_names() { return "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n"; }

void write_cifar_10(const TemporaryFolder& folder) {
  folder.write("data_batch_1.bin", record({6}, 10) + record({9}, 20));
  folder.write("data_batch_2.bin", record({0}, 30));
  folder.write("test_batch.bin", record({3}, 40));
  folder.write("batches.meta.txt", ten_names());
}

TEST(Cifar10, BatchesFollowOneAnother) {
  const TemporaryFolder folder;
  write_cifar_10(folder);
  const auto train = open_dataset(folder.path());
  EXPECT_EQ(train->size(), 3);
  EXPECT_EQ(train->image_shape(), (std::vector<std::int64_t>{3, 32, 32}));
  EXPECT_EQ(train->image(2)[0][0][0].item<int>(), 30);
  EXPECT_EQ(train->image(1)[2][31][31].item<int>(), 22);
  EXPECT_EQ(train->class_names()[static_cast<std::size_t>(train->label(0))], "frog");
  EXPECT_TRUE(has_test_split(folder.path()));
  const auto test = open_dataset(folder.path(), {.split = "test"});
  EXPECT_EQ(test->size(), 1);
  EXPECT_EQ(test->label(0), 3);
}

TEST(Cifar10, OneFileIsEnough) {
  const TemporaryFolder folder;
  folder.write("data_batch_2.bin", record({1}, 5));
  const auto dataset = open_dataset(folder / "data_batch_2.bin");
  EXPECT_EQ(dataset->size(), 1);
  EXPECT_EQ(dataset->class_names()[1], "automobile");
  expect_error([&] { open_dataset(folder / "data_batch_2.bin", {.split = "test"}); }, {"test split"});
}

TEST(Cifar100, HasTheFineClasses) {
  const TemporaryFolder folder;
  folder.write("train.bin", record({4, 0}, 1) + record({1, 99}, 2));
  folder.write("test.bin", record({0, 7}, 3));
  std::string names;
  for (int i = 0; i < 100; ++i) names += fmt::format("class {}\n", i);
  folder.write("fine_label_names.txt", names);
  const auto train = open_dataset(folder.path());
  EXPECT_EQ(train->size(), 2);
  EXPECT_EQ(train->label(1), 99);
  EXPECT_EQ(train->class_names()[99], "class 99");
  EXPECT_EQ(train->image(1)[0][0][0].item<int>(), 2);
  EXPECT_EQ(open_dataset(folder.path(), {.split = "test"})->label(0), 7);
}

TEST(CifarErrors, NotAMultipleOfARecord) {
  const TemporaryFolder folder;
  const auto path = folder.write("data_batch_1.bin", record({1}, 5).substr(1));
  expect_error([&] { open_dataset(folder.path()); }, {path.string(), "3073", "3072"});
  folder.write("data_batch_1.bin", "");
  expect_error([&] { open_dataset(folder.path()); }, {path.string(), "found 0"});
  const auto other = folder.write("mine.bin", "12345");
  expect_error([&] { open_dataset(other); }, {"mine.bin", "not a CIFAR file"});
}

TEST(CifarErrors, ClassOutOfRange) {
  const TemporaryFolder folder;
  folder.write("data_batch_1.bin", record({1}, 5) + record({10}, 5));
  expect_error([&] { open_dataset(folder.path()); }, {"data_batch_1.bin, image 1", "10 classes"});
}

TEST(CifarErrors, MissingFilesAndNames) {
  const TemporaryFolder folder;
  write_cifar_10(folder);
  fs::remove(folder / "test_batch.bin");
  expect_error([&] { open_dataset(folder.path(), {.split = "test"}); }, {"no test split", "test_batch.bin"});
  fs::remove(folder / "data_batch_1.bin");
  expect_error([&] { open_dataset(folder.path()); }, {"lacks data_batch_1.bin"});
  write_cifar_10(folder);
  folder.write("batches.meta.txt", "cat\ndog\n");
  expect_error([&] { open_dataset(folder.path()); }, {"batches.meta.txt", "10 class names", "found 2"});
}

TEST(CifarErrors, PythonVersion) {
  const TemporaryFolder folder;
  folder.write("data_batch_1", "pickle");
  expect_error([&] { open_dataset(folder.path()); }, {"Python version", "binary version"});
}

}  // namespace
}  // namespace iddpm
