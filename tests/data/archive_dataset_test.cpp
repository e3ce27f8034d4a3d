// Images within zip and tar archives: one, shards, and what says their classes.

#include <gtest/gtest.h>

#include <span>

#include "iddpm/data/batch_loader.h"
#include "iddpm/data/dataset.h"
#include "iddpm/data/detect.h"
#include "iddpm/io/zip_writer.h"
#include "tests/data/data_samples.h"
#include "tests/io/tar_samples.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

using NamesAndContents = std::vector<std::pair<std::string, std::string>>;

std::string png_of(std::uint8_t value) { return encode_png(plain_image(4, 4, {value})); }

fs::path write_tar(const TemporaryFolder& folder, const std::string& name, const NamesAndContents& files) {
  std::string bytes;
  for (const auto& [file, contents] : files) bytes += tar_entry(file, contents);
  return folder.write(name, bytes + tar_end());
}

fs::path write_zip(const TemporaryFolder& folder, const std::string& name, const NamesAndContents& files) {
  folder.write(name, "");  // the folders it is in
  ZipWriter writer(folder / name);
  for (const auto& [file, contents] : files) {
    writer.add(file, {std::as_bytes(std::span(contents.data(), contents.size()))});
  }
  writer.commit();
  return folder / name;
}

// The value of each image's pixels.
std::vector<int> values_in(const Dataset& dataset) {
  std::vector<int> values;
  for (std::int64_t i = 0; i < dataset.size(); ++i) values.push_back(dataset.image(i).flatten()[0].item<int>());
  return values;
}

std::vector<std::int64_t> classes_in(const Dataset& dataset) {
  std::vector<std::int64_t> classes;
  for (std::int64_t i = 0; i < dataset.size(); ++i) classes.push_back(dataset.label(i));
  return classes;
}

using ClassList = std::vector<std::string>;

TEST(Archives, ZipAndTarGiveTheSameImagesAndClassesAsTheirFolder) {
  const TemporaryFolder folder;
  const NamesAndContents files = {{"pets/cat/1.png", png_of(1)},
                                  {"pets/cat/2.png", png_of(2)},
                                  {"pets/dog/1.png", png_of(3)},
                                  {"pets/notes.txt", "not an image"},
                                  {"__MACOSX/pets/cat/._1.png", "a Mac's"}};
  for (const fs::path& path : {write_tar(folder, "pets.tar", files), write_zip(folder, "pets.zip", files)}) {
    const auto dataset = open_dataset(path);
    EXPECT_EQ(dataset->class_names(), (ClassList{"cat", "dog"})) << path;
    EXPECT_EQ(values_in(*dataset), (std::vector<int>{1, 2, 3}));
    EXPECT_EQ(classes_in(*dataset), (std::vector<std::int64_t>{0, 0, 1}));
    EXPECT_EQ(dataset->image_name(2), path.string() + ": pets/dog/1.png");
    const DatasetDescription description = dataset->description();
    EXPECT_EQ(description.kind, "archive of images");
    ASSERT_EQ(description.left_out.size(), 2U);
    EXPECT_EQ(description.labels_from, "sub-folders");
    EXPECT_FALSE(has_test_split(path));
  }
}

// Each folder around all images was taken off by itself: time by the square of a name's length.
TEST(Archives, NamesOfManyFoldersTakeNoLongerThanTheyAreLong) {
  const TemporaryFolder folder;
  std::string folders;
  for (int i = 0; i < 400'000; ++i) folders += "a/";
  std::string bytes;
  for (const char* name : {"cat/1.png", "dog/2.png"}) {
    bytes += pax_header("path", folders + name) + tar_entry("image", png_of(1));
  }
  const auto dataset = open_archives(folder.write("deep.tar", bytes + tar_end()));
  EXPECT_EQ(dataset->class_names(), (ClassList{"cat", "dog"}));
}

TEST(Archives, ShardsAreOneDataSetInTheOrderOfTheirNames) {
  const TemporaryFolder folder;
  write_tar(folder, "shards/1.tar", {{"0003.png", png_of(3)}, {"0003.cls", "10"}});
  write_tar(folder, "shards/0.tar",
            {{"0001.png", png_of(1)}, {"0001.cls", "9\n"}, {"0002.cls", "10"}, {"0002.png", png_of(2)}});
  const auto dataset = open_dataset(folder / "shards");
  EXPECT_EQ(values_in(*dataset), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(dataset->class_names(), (ClassList{"9", "10"})) << "whole numbers go by value";
  EXPECT_EQ(classes_in(*dataset), (std::vector<std::int64_t>{0, 1, 1}));
  EXPECT_EQ(dataset->description().kind, "2 archives of images");
  // A model's classes, by name; others are left out.
  EXPECT_EQ(open_dataset(folder / "shards", {.class_names = {"7", "10"}})->size(), 2);
}

TEST(Archives, AFileBesideEachImageMaySayItsClassInJson) {
  const TemporaryFolder folder;
  const auto path = write_tar(folder, "a.tar",
                              {{"a.png", png_of(1)},
                               {"a.json", R"({"label": "cat"})"},
                               {"b.png", png_of(2)},
                               {"b.json", R"({"width": 4, "class_name": "ape"})"}});
  EXPECT_EQ(open_dataset(path)->class_names(), (ClassList{"ape", "cat"}));
  EXPECT_TRUE(open_dataset(path, {.labels = LabelSource::none})->class_names().empty());
  // Not all have one: none is taken.
  const auto some = write_tar(folder, "some.tar", {{"a.png", png_of(1)}, {"a.cls", "1"}, {"b.png", png_of(2)}});
  EXPECT_TRUE(open_dataset(some)->class_names().empty());
  const auto broken = write_tar(folder, "broken.tar", {{"a.png", png_of(1)}, {"a.json", "{"}});
  expect_error([&] { open_dataset(broken); }, {"broken.tar", "a.json"});
}

TEST(Archives, HaveSplitsInFoldersOfArchivesOrWithin) {
  const TemporaryFolder folder;
  const auto within = write_zip(folder, "all.zip",
                                {{"d/train/a/1.png", png_of(1)},
                                 {"d/train/b/1.png", png_of(2)},
                                 {"d/Val/b/1.png", png_of(3)},
                                 {"d/Val/b/2.png", png_of(4)}});
  EXPECT_TRUE(has_test_split(within));
  EXPECT_EQ(values_in(*open_dataset(within)), (std::vector<int>{1, 2}));
  const auto test = open_dataset(within, {.split = "test"});
  EXPECT_EQ(values_in(*test), (std::vector<int>{3, 4}));
  EXPECT_EQ(test->class_names(), (ClassList{"a", "b"})) << "the train split's";
  EXPECT_EQ(classes_in(*test), (std::vector<std::int64_t>{1, 1}));

  write_tar(folder, "apart/train/0.tar", {{"1.png", png_of(5)}});
  write_tar(folder, "apart/test/0.tar", {{"1.png", png_of(6)}});
  EXPECT_TRUE(has_test_split(folder / "apart"));
  EXPECT_EQ(values_in(*open_dataset(folder / "apart")), std::vector<int>{5});
  EXPECT_EQ(values_in(*open_dataset(folder / "apart", {.split = "test"})), std::vector<int>{6});
}

TEST(Archives, AFolderOfImagesStaysOneBesideAnArchive) {
  const TemporaryFolder folder;
  write_image(folder, "photos/a.png", plain_image(4, 4, {1}));
  write_zip(folder, "photos/original.zip", {{"a.png", png_of(1)}});
  EXPECT_EQ(open_dataset(folder / "photos")->description().kind, "folder of images");
}

TEST(Archives, BatchesGoOnInTheMiddleAndSeeWhatChanged) {
  const TemporaryFolder folder;
  NamesAndContents files;
  for (int i = 0; i < 9; ++i) files.emplace_back(fmt::format("{}.png", i), png_of(static_cast<std::uint8_t>(i)));
  const auto path = write_tar(folder, "nine.tar", files);
  BatchLoader whole(open_dataset(path), {.batch = 4, .seed = 3, .workers = 2});
  for (int i = 0; i < 3; ++i) whole.next();
  BatchLoader resumed(open_dataset(path), {.batch = 4, .seed = 3, .first_example = 12, .workers = 1});
  EXPECT_TRUE(at::equal(whole.next().x_0, resumed.next().x_0));

  const std::uint64_t before = open_dataset(path)->contents_hash();
  EXPECT_NE(before, 0U);
  EXPECT_EQ(open_dataset(path)->contents_hash(), before);
  files.back().first = "other.png";
  EXPECT_NE(open_dataset(write_tar(folder, "nine.tar", files))->contents_hash(), before);
}

TEST(Archives, RefuseWhatTheyCantRead) {
  const TemporaryFolder folder;
  const auto text = write_tar(folder, "text.tar", {{"a.txt", "text"}});
  expect_error([&] { open_dataset(text); }, {"text.tar", "no images"});
  expect_error([&] { open_dataset(folder.write("a.tar.gz", "\x1f\x8b\x08")); }, {"a.tar.gz", "gzip"});
  expect_error([&] { open_dataset(folder.write("cut.tar", tar_entry("a.png", png_of(1)).substr(0, 530))); },
               {"cut.tar", "is cut"});
  const auto broken = write_tar(folder, "broken.tar", {{"a.png", png_of(1)}, {"b.png", "no image"}});
  const auto dataset = open_dataset(broken);
  expect_error([&] { dataset->image(1); }, {"broken.tar: b.png"});
  expect_error([&] { open_dataset(broken, {.split = "test"}); }, {"no test split"});
}

}  // namespace
}  // namespace iddpm
