#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>

#include "iddpm/data/dataset.h"
#include "tests/data/data_samples.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
  return bytes;
}

/// Images of 2 rows and 3 columns; the values count from 0.
std::string idx_images(std::uint32_t count) {
  std::string bytes = big_endian(0x0803) + big_endian(count) + big_endian(2) + big_endian(3);
  for (std::uint32_t i = 0; i < count * 6; ++i) bytes += static_cast<char>(i);
  return bytes;
}

std::string idx_labels(const std::vector<int>& labels) {
  std::string bytes = big_endian(0x0801) + big_endian(static_cast<std::uint32_t>(labels.size()));
  for (const int label : labels) bytes += static_cast<char>(label);
  return bytes;
}

void write_gzip(const fs::path& path, const std::string& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())), static_cast<int>(bytes.size()));
  EXPECT_EQ(gzclose(file), Z_OK);
}

void write_family(const TemporaryFolder& folder) {
  folder.write("train-images-idx3-ubyte", idx_images(4));
  folder.write("train-labels-idx1-ubyte", idx_labels({3, 1, 9, 0}));
  write_gzip(folder / "t10k-images-idx3-ubyte.gz", idx_images(2));
  write_gzip(folder / "t10k-labels-idx1-ubyte.gz", idx_labels({7, 8}));
}

TEST(Idx, FolderHoldsBothSplits) {
  const TemporaryFolder folder;
  write_family(folder);
  const auto train = open_dataset(folder.path());
  EXPECT_EQ(train->size(), 4);
  EXPECT_EQ(train->image_shape(), (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(train->image(1)[0][1][2].item<int>(), 11);
  EXPECT_EQ(train->label(2), 9);
  EXPECT_EQ(train->class_names().size(), 10u);
  EXPECT_EQ(train->class_names()[3], "3");
  EXPECT_EQ(train->image_name(2), (folder / "train-images-idx3-ubyte").string() + ", image 2");

  EXPECT_TRUE(has_test_split(folder.path()));
  const auto test = open_dataset(folder.path(), {.split = "test"});
  EXPECT_EQ(test->size(), 2);
  EXPECT_EQ(test->label(1), 8);
}

TEST(Idx, OneFileIsEnough) {
  const TemporaryFolder folder;
  write_family(folder);
  const auto test = open_dataset(folder / "t10k-images-idx3-ubyte.gz");
  EXPECT_EQ(test->size(), 2);
  EXPECT_EQ(test->label(0), 7);
  fs::remove(folder / "train-labels-idx1-ubyte");
  const auto unlabelled = open_dataset(folder / "train-images-idx3-ubyte");
  EXPECT_TRUE(unlabelled->class_names().empty());
  EXPECT_EQ(unlabelled->label(0), -1);
  expect_error([&] { open_dataset(folder / "t10k-images-idx3-ubyte.gz", {.split = "train"}); }, {"train split"});
}

TEST(Idx, OtherNamesOfTheFamily) {
  const TemporaryFolder folder;
  folder.write("emnist-letters-test-images-idx3-ubyte", idx_images(3));
  folder.write("emnist-letters-test-labels-idx1-ubyte", idx_labels({26, 1, 2}));
  const auto letters = open_dataset(folder.path(), {.split = "test"});
  EXPECT_EQ(letters->size(), 3);
  EXPECT_EQ(letters->class_names().size(), 27u);
  folder.write("t10k-images.idx3-ubyte", idx_images(3));
  expect_error([&] { open_dataset(folder.path(), {.split = "test"}); }, {"several data sets"});
}

TEST(Idx, ClothesAreNamedInAFolderOfFashion) {
  const TemporaryFolder folder("My-Fashion-MNIST");
  write_family(folder);
  const auto dataset = open_dataset(folder.path());
  EXPECT_EQ(dataset->class_names().front(), "T-shirt/top");
  EXPECT_EQ(dataset->class_names().back(), "Ankle boot");
  const TemporaryFolder elsewhere;
  fs::create_directory_symlink(folder.path(), elsewhere / "linked");
  EXPECT_EQ(open_dataset(elsewhere / "linked")->class_names().back(), "Ankle boot");
}

TEST(Idx, ImagesAreResizedWhenAsked) {
  const TemporaryFolder folder;
  write_family(folder);
  const auto dataset = open_dataset(folder.path(), {.image_height = 8, .image_width = 8, .image_channels = 3});
  EXPECT_EQ(dataset->image_shape(), (std::vector<std::int64_t>{3, 8, 8}));
  EXPECT_EQ(dataset->image(0).sizes(), (at::IntArrayRef{3, 8, 8}));
  EXPECT_TRUE(at::equal(dataset->image(0)[0], dataset->image(0)[2]));
}

TEST(Idx, LabelsAreItsOwnOrNone) {
  const TemporaryFolder folder;
  write_family(folder);
  EXPECT_TRUE(open_dataset(folder.path(), {.labels = LabelSource::none})->class_names().empty());
  expect_error([&] { open_dataset(folder.path(), {.labels = LabelSource::subfolders}); }, {"own labels"});
}

TEST(IdxErrors, WrongMagic) {
  const TemporaryFolder folder;
  const auto path = folder.write("train-images-idx3-ubyte", idx_labels({1, 2, 3, 4, 5, 6, 7, 8, 9}));
  expect_error([&] { open_dataset(path); }, {path.string(), "0x00000803", "0x00000801"});
}

TEST(IdxErrors, Truncated) {
  const TemporaryFolder folder;
  const std::string whole = idx_images(4);
  for (const std::size_t length : {std::size_t{0}, std::size_t{3}, std::size_t{9}, whole.size() - 1}) {
    const auto path = folder.write("train-images-idx3-ubyte", whole.substr(0, length));
    expect_error([&] { open_idx(path); }, {path.string()});
  }
  folder.write("train-images-idx3-ubyte", whole + "x");
  expect_error([&] { open_idx(folder.path()); }, {"claims", "25"});
}

TEST(IdxErrors, HugeClaims) {
  const TemporaryFolder folder;
  for (const std::uint32_t rows : {0x10000u, 0x80000000u, 0xFFFFFFFFu}) {
    // Products that wrap around 64 bits to a small number or 0 included.
    folder.write("train-images-idx3-ubyte",
                 big_endian(0x0803) + big_endian(0xFFFFFFFF) + big_endian(rows) + big_endian(0x80000000) + "abc");
    expect_error([&] { open_idx(folder.path()); }, {"claims", "4294967295"});
  }
  folder.write("train-images-idx3-ubyte",
               big_endian(0x0803) + big_endian(0) + big_endian(0xFFFFFFFF) + big_endian(0xFFFFFFFF));
  expect_error([&] { open_idx(folder.path()); }, {"no images"});
}

TEST(IdxErrors, APackedFileThatGoesOnIsNotUnpackedToItsEnd) {
  const TemporaryFolder folder;
  write_gzip(folder / "train-images-idx3-ubyte.gz", idx_images(4) + std::string(50'000'000, '\0'));
  expect_error([&] { open_idx(folder.path()); }, {"claims 24 values", "but more follow"});
  write_gzip(folder / "train-images-idx3-ubyte.gz",
             big_endian(0x0803) + big_endian(60000) + big_endian(28) + big_endian(28));
  expect_error([&] { open_idx(folder.path()); }, {"claims 47040000 values", "at most"});
}

TEST(IdxErrors, LabelsThatDoNotFit) {
  const TemporaryFolder folder;
  folder.write("train-images-idx3-ubyte", idx_images(4));
  folder.write("train-labels-idx1-ubyte", idx_labels({1, 2}));
  expect_error([&] { open_idx(folder.path()); }, {"2 labels", "4 images"});
}

TEST(IdxErrors, MissingSplit) {
  const TemporaryFolder folder;
  folder.write("train-images-idx3-ubyte", idx_images(4));
  EXPECT_FALSE(has_test_split(folder.path()));
  expect_error([&] { open_dataset(folder.path(), {.split = "test"}); }, {"no test split", "t10k-images"});
}

TEST(IdxFashion, DebiansFilesAreRead) {
  const fs::path folder = "/usr/share/datasets/fashion-mnist";
  if (!fs::is_directory(folder)) GTEST_SKIP() << "the Debian package dataset-fashion-mnist is not installed";
  const auto train = open_dataset(folder);
  EXPECT_EQ(train->size(), 60000);
  EXPECT_EQ(train->image_shape(), (std::vector<std::int64_t>{1, 28, 28}));
  EXPECT_EQ(train->class_names()[9], "Ankle boot");
  EXPECT_EQ(train->label(0), 9);
  std::vector<std::int64_t> counts(10, 0);
  for (std::int64_t i = 0; i < train->size(); ++i) ++counts[static_cast<std::size_t>(train->label(i))];
  EXPECT_EQ(counts, std::vector<std::int64_t>(10, 6000));
  const auto test = open_dataset(folder, {.split = "test"});
  EXPECT_EQ(test->size(), 10000);
}

}  // namespace
}  // namespace iddpm
