#include <gtest/gtest.h>

#include <filesystem>

#include "iddpm/data/batch_loader.h"
#include "iddpm/data/batch_pixels.h"
#include "iddpm/data/dataset.h"
#include "iddpm/data/vanished_data.h"
#include "tests/data/data_samples.h"
#include "tests/io/profiled_images.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

/// Names relative to the folder, in the data set's order.
std::vector<std::string> names_in(const Dataset& dataset, const TemporaryFolder& folder) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    names.push_back(fs::path(dataset.image_name(i)).lexically_relative(folder.path()).string());
  }
  return names;
}

std::vector<std::int64_t> labels_of(const Dataset& dataset) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < dataset.size(); ++i) labels.push_back(dataset.label(i));
  return labels;
}

using Names = std::vector<std::string>;
using Labels = std::vector<std::int64_t>;

const Image grey = plain_image(4, 4, {9});

TEST(ImageFolder, ListsSubfoldersInTheOrderOfASortedWalk) {
  const TemporaryFolder folder;
  for (const char* name : {"b.png", "a/z.png", "a/b/c.PNG", "a.b/x.png", "c.png", "a/a.png"}) {
    write_image(folder, name, grey);
  }
  folder.write("notes.txt", "not an image");
  EXPECT_EQ(names_in(*open_image_folder(folder.path()), folder),
            (Names{"a/a.png", "a/b/c.PNG", "a/z.png", "a.b/x.png", "b.png", "c.png"}));
}

TEST(ImageFolder, LeavesHiddenNamesOut) {
  const TemporaryFolder folder;
  write_image(folder, "a.png", grey);
  write_image(folder, ".b.png", grey);
  write_image(folder, ".thumbnails/c.png", grey);
  EXPECT_EQ(names_in(*open_image_folder(folder.path()), folder), (Names{"a.png"}));
}

TEST(ImageFolder, ReadsEachFolderOnceHoweverItIsLinked) {
  const TemporaryFolder folder;
  write_image(folder, "real/a.png", grey);
  fs::create_directory_symlink(folder.path(), folder / "real/up");
  fs::create_directory_symlink(folder / "real", folder / "alias");
  fs::create_directory_symlink("itself", folder / "itself");
  fs::create_symlink("nowhere.png", folder / "dangling.png");
  fs::create_symlink("real/a.png", folder / "link.png");
  EXPECT_EQ(names_in(*open_image_folder(folder.path()), folder), (Names{"link.png", "real/a.png"}));
}

TEST(ImageFolder, FollowsLinksToFoldersElsewhere) {
  const TemporaryFolder elsewhere;
  write_image(elsewhere, "x.png", grey);
  const TemporaryFolder folder;
  fs::create_directory_symlink(elsewhere.path(), folder / "linked");
  EXPECT_EQ(names_in(*open_image_folder(folder.path()), folder), (Names{"linked/x.png"}));
}

TEST(ImageFolder, GivesPixelsByChannel) {
  const TemporaryFolder folder;
  const Image image = patterned_image(5, 3, 3);
  write_image(folder, "a.png", image);
  const auto dataset = open_image_folder(folder.path());
  EXPECT_EQ(dataset->image_shape(), (std::vector<std::int64_t>{3, 3, 5}));
  const Tensor expected = at::tensor(at::ArrayRef<std::uint8_t>(image.pixels)).view({3, 5, 3}).permute({2, 0, 1});
  EXPECT_TRUE(at::equal(dataset->image(0), expected));
  EXPECT_TRUE(at::equal(dataset->image(0), expected)) << "from the cache";
}

TEST(ImageFolder, IsTheSameWithoutCache) {
  const TemporaryFolder folder;
  for (int i = 0; i < 5; ++i) write_image(folder, fmt::format("{}.png", i), patterned_image(8 + i, 9, 3));
  const auto cached = open_image_folder(folder.path());
  const auto uncached = open_image_folder(folder.path(), {.cache_bytes = 0});
  for (const std::int64_t i : {0, 1, 2, 3, 4, 0, 3}) EXPECT_TRUE(at::equal(cached->image(i), uncached->image(i)));
}

TEST(ImageFolder, CannotBeChangedThroughAnImageItGave) {
  const TemporaryFolder folder;
  write_image(folder, "a.png", grey);
  const auto dataset = open_image_folder(folder.path());
  dataset->image(0).fill_(1);
  dataset->image(0).fill_(2);
  EXPECT_EQ(dataset->image(0)[0][0][0].item<int>(), 9);
}

TEST(ImageFolder, HasTheShapeOfTheFirstGoodImageUnlessAsked) {
  const TemporaryFolder folder;
  folder.write("a.png", "broken");
  write_image(folder, "b.png", plain_image(6, 4, {1, 2, 3}));
  write_image(folder, "c.png", plain_image(30, 20, {1, 2, 3}));
  EXPECT_EQ(open_image_folder(folder.path())->image_shape(), (std::vector<std::int64_t>{3, 4, 6}));
  const auto asked = open_image_folder(folder.path(), {.image_height = 8, .image_width = 5, .image_channels = 1});
  EXPECT_EQ(asked->image_shape(), (std::vector<std::int64_t>{1, 8, 5}));
  for (const std::int64_t i : {1, 2}) EXPECT_EQ(asked->image(i).sizes(), (at::IntArrayRef{1, 8, 5}));
}

TEST(ImageFolder, IsInColourIfOneOfTheFirstImagesIs) {
  const TemporaryFolder folder;
  for (int i = 0; i < 5; ++i) write_image(folder, fmt::format("{}.png", i), grey);
  EXPECT_EQ(open_image_folder(folder.path())->image_shape().front(), 1);
  write_image(folder, "9.png", plain_image(4, 4, {1, 2, 3}));
  EXPECT_EQ(open_image_folder(folder.path())->image_shape().front(), 3);
}

TEST(ImageFolder, IsInColourIfOneOfManyIs) {
  const TemporaryFolder folder;
  for (int i = 0; i < 90; ++i) write_image(folder, fmt::format("{:02}.png", i), grey);
  EXPECT_EQ(open_image_folder(folder.path())->image_shape().front(), 1);
  write_image(folder, "71.png", plain_image(4, 4, {1, 2, 3}));
  EXPECT_EQ(open_image_folder(folder.path())->image_shape().front(), 3);
  EXPECT_EQ(open_image_folder(folder.path(), {.rules = DataRules::first})->image_shape().front(), 1);
}

TEST(ImageFolder, LeavesOutWhatIddpmWrote) {
  const TemporaryFolder folder;
  write_image(folder, "a.png", grey);
  write_image(folder, "runs/mine/samples/step_1.png", grey);
  folder.write("runs/mine/run.json", "{}");
  write_image(folder, "mine-samples/0.png", grey);
  folder.write("mine-samples/samples.json", "{}");
  EXPECT_EQ(names_in(*open_image_folder(folder.path()), folder), (Names{"a.png"}));
  EXPECT_EQ(open_image_folder(folder / "mine-samples")->size(), 1) << "asked for by name";
}

TEST(ImageFolder, SaysWhatItFoundAndWhatItLeftOut) {
  const TemporaryFolder folder;
  for (int i = 0; i < 5; ++i) write_image(folder, fmt::format("cat/{}.png", i), plain_image(40 + i, 30, {1, 2, 3}));
  for (int i = 0; i < 3; ++i) write_image(folder, fmt::format("dog/{}.png", i), plain_image(20, 20, {1, 2, 3}));
  folder.write("cat/x.heic", "");
  folder.write("cat/.hidden.png", "");
  folder.write("cat/3.png", "not an image");
  const auto lines = description_lines(open_dataset(folder.path(), {.default_largest_side = 16})->description());
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], fmt::format("Data: 8 images of 20 x 20 to 44 x 30 pixels (width x height), in colour, brought to "
                                  "16 x 16 (the middle of each); folder of images {}",
                                  folder.path().string()));
  EXPECT_EQ(lines[1], "2 classes from sub-folders: cat 5, dog 3");
  EXPECT_EQ(lines[2], "Left out: 1 .heic files (cat/x.heic); 1 hidden (cat/.hidden.png); 1 broken (cat/3.png)");
}

TEST(ImageFolder, NamesColourProfilesThatItDoesNotApply) {
  const TemporaryFolder folder;
  write_image(folder, "plain.png", plain_image(8, 8, {1, 2, 3}));
  folder.write("a.png", in_png(icc_profile("RGB ", "Display P3", display_p3)));
  folder.write("b.png", in_png(icc_profile("RGB ", "Display P3", display_p3)));
  folder.write("c.png", in_png(icc_profile("RGB ", "IEC61966-2.1", srgb)));
  const DatasetDescription description = open_dataset(folder.path())->description();
  EXPECT_EQ(description.colour_profiles, (std::map<std::string, std::int64_t>{{"Display P3", 2}}));
  EXPECT_EQ(description_lines(description).back(),
            "Colour profiles of the images looked at, whose colours are taken for sRGB: Display P3 2");
}

TEST(ImageFolder, KeepsAlphaOnlyWhenAsked) {
  const TemporaryFolder folder;
  write_image(folder, "a.png", plain_image(2, 2, {10, 20, 30, 0}));
  const auto white = open_image_folder(folder.path());
  EXPECT_EQ(white->image_shape().front(), 3);
  EXPECT_EQ(white->image(0).min().item<int>(), 255);
  const auto black = open_image_folder(folder.path(), {.background = 0.0});
  EXPECT_EQ(black->image(0).max().item<int>(), 0);
  const auto kept = open_image_folder(folder.path(), {.image_channels = 4});
  EXPECT_EQ(kept->image(0)[0][0][0].item<int>(), 10);
  EXPECT_EQ(kept->image(0)[3][0][0].item<int>(), 0);
}

TEST(ImageFolderLabels, AreSubfoldersIfAllImagesAreInSome) {
  const TemporaryFolder folder;
  for (const char* name : {"dog/1.png", "cat/2.png", "cat/more/3.png"}) write_image(folder, name, grey);
  const auto dataset = open_image_folder(folder.path());
  EXPECT_EQ(dataset->class_names(), (Names{"cat", "dog"}));
  EXPECT_EQ(labels_of(*dataset), (Labels{0, 0, 1}));
}

TEST(ImageFolderLabels, AreNoneIfASubfolderIsAloneOrAnImageIsOutside) {
  const TemporaryFolder folder;
  write_image(folder, "photos/1.png", grey);
  write_image(folder, "photos/2.png", grey);
  EXPECT_TRUE(open_image_folder(folder.path())->class_names().empty());
  write_image(folder, "drawings/1.png", grey);
  EXPECT_EQ(open_image_folder(folder.path())->class_names().size(), 2u);
  write_image(folder, "outside.png", grey);
  const auto dataset = open_image_folder(folder.path());
  EXPECT_TRUE(dataset->class_names().empty());
  EXPECT_EQ(labels_of(*dataset), (Labels{-1, -1, -1, -1}));
}

TEST(ImageFolderLabels, ArePrefixesIfTheyLookLikeClasses) {
  const TemporaryFolder folder;
  for (const char* name : {"truck_1.png", "frog_1.png", "frog_2_b.png"}) write_image(folder, name, grey);
  const auto dataset = open_image_folder(folder.path());
  EXPECT_EQ(dataset->class_names(), (Names{"frog", "truck"}));
  EXPECT_EQ(labels_of(*dataset), (Labels{0, 0, 1}));
}

TEST(ImageFolderLabels, AreNotPrefixesThatAreAllEqualOrAllDifferent) {
  const TemporaryFolder equal, different, missing;
  for (const char* name : {"IMG_1.png", "IMG_2.png", "IMG_3.png"}) write_image(equal, name, grey);
  for (const char* name : {"1_a.png", "2_a.png", "3_a.png"}) write_image(different, name, grey);
  for (const char* name : {"a_1.png", "b_1.png", "b_2.png", "b.png"}) write_image(missing, name, grey);
  for (const TemporaryFolder* folder : {&equal, &different, &missing}) {
    EXPECT_TRUE(open_image_folder(folder->path())->class_names().empty());
  }
  const auto asked = open_image_folder(equal.path(), {.labels = LabelSource::file_name_prefix});
  EXPECT_EQ(asked->class_names(), (Names{"IMG"}));
}

TEST(ImageFolderLabels, CanBeLeftOut) {
  const TemporaryFolder folder;
  for (const char* name : {"dog/1.png", "cat/2.png"}) write_image(folder, name, grey);
  const auto dataset = open_image_folder(folder.path(), {.labels = LabelSource::none});
  EXPECT_TRUE(dataset->class_names().empty());
  EXPECT_EQ(dataset->label(0), -1);
}

/// The line of a description about what was left out; empty if nothing was.
std::string left_out_of(const Dataset& dataset) {
  for (const std::string& line : description_lines(dataset.description())) {
    if (line.starts_with("Left out")) return line;
  }
  return {};
}

TEST(ImageFolderLabels, ImagesWithoutOneAreNamedAndLeftOut) {
  const TemporaryFolder folder;
  write_image(folder, "dog/a_1.png", grey);
  write_image(folder, "stray.png", grey);
  for (const LabelSource source : {LabelSource::subfolders, LabelSource::file_name_prefix}) {
    const auto dataset = open_image_folder(folder.path(), {.labels = source});
    EXPECT_EQ(dataset->size(), 1);
    EXPECT_EQ(left_out_of(*dataset), "Left out: 1 images without a label (stray.png)");
  }
  const TemporaryFolder flat;
  write_image(flat, "1.png", grey);
  expect_error([&] { open_image_folder(flat.path(), {.labels = LabelSource::subfolders}); },
               {"none of the 1 images", "sub-folders"});
}

TEST(ImageFolderLabels, AreNotDatesCamerasOrNumbers) {
  const std::vector<Names> kinds = {
      {"20210514_{}", "20210515_{}"},     {"IMG_{}", "DSC_{}"},          {"7_{}", "8_{}"},
      {"00000/{}", "01000/{}"},           {"2019/{}", "2020/{}"},        {"part-1/{}", "part-2/{}"},
      {"2021-05-14/{}", "2021-05-15/{}"}, {"100CANON/{}", "101CANON/{}"}};
  for (const Names& kind : kinds) {
    const TemporaryFolder folder;
    for (int i = 0; i < 4; ++i) {
      for (const std::string& pattern : kind) write_image(folder, fmt::format(fmt::runtime(pattern + ".png"), i), grey);
    }
    const auto dataset = open_image_folder(folder.path());
    EXPECT_TRUE(dataset->class_names().empty()) << kind.front();
    EXPECT_NE(dataset->description().labels_from.find("--labels"), std::string::npos) << kind.front();
    const bool folders = kind.front().find('/') != std::string::npos;
    const LabelSource asked = folders ? LabelSource::subfolders : LabelSource::file_name_prefix;
    EXPECT_EQ(open_image_folder(folder.path(), {.labels = asked})->class_names().size(), 2u) << kind.front();
    EXPECT_EQ(open_image_folder(folder.path(), {.rules = DataRules::first})->class_names().size(), 2u) << kind.front();
  }
}

TEST(ImageFolderLabels, AreDigitsAndSynsets) {
  for (const Names& names : {Names{"0", "1", "9"}, Names{"n01440764", "n01443537"}, Names{"8", "9", "10"}}) {
    const TemporaryFolder folder;
    for (const std::string& name : names) write_image(folder, name + "/a.png", grey);
    EXPECT_EQ(open_image_folder(folder.path())->class_names().size(), names.size());
  }
}

TEST(ImageFolderLabels, FollowTheNamesOfAModel) {
  const TemporaryFolder folder;
  for (const char* name : {"cat/1.png", "eel/1.png", "fox/1.png", "eel/2.png"}) write_image(folder, name, grey);
  const auto dataset = open_image_folder(folder.path(), {.class_names = {"eel", "dog", "cat"}});
  EXPECT_EQ(dataset->class_names(), (Names{"eel", "dog", "cat"}));
  EXPECT_EQ(labels_of(*dataset), (Labels{2, 0, 0}));
  EXPECT_EQ(left_out_of(*dataset), "Left out: 1 images of other classes (fox/1.png)");
}

TEST(ImageFolderLabels, MayBeNamesThatAreNotUtf8) {
  const TemporaryFolder folder;
  for (const char* name : {"caf\xe9/1.png", "tea/1.png"}) write_image(folder, name, grey);
  const auto dataset = open_image_folder(folder.path());
  EXPECT_EQ(dataset->class_names(), (Names{"caf\xef\x9f\xa9", "tea"}));
  EXPECT_EQ(dataset->image(0).numel(), 16);
}

TEST(ImageFolderSplits, AreSubfoldersNamedSo) {
  const TemporaryFolder folder;
  for (const char* name : {"train/a/1.png", "train/b/2.png", "train/b/3.png", "val/a/1.png"}) {
    write_image(folder, name, grey);
  }
  EXPECT_TRUE(has_test_split(folder.path()));
  EXPECT_EQ(open_image_folder(folder.path())->size(), 3);
  EXPECT_EQ(open_image_folder(folder.path())->class_names(), (Names{"a", "b"}));
  EXPECT_EQ(open_image_folder(folder.path(), {.split = "train"})->size(), 3);
  EXPECT_EQ(open_image_folder(folder.path(), {.split = "test"})->size(), 1);
}

TEST(ImageFolderSplits, AreNamedInAnyCase) {
  for (const auto& [train, test] : {std::pair("Training", "Testing"),
                                    {"TRAIN", "TEST"},
                                    {"Train", "Val"},
                                    {"train", "Validation"},
                                    {"archive/Training", "archive/Testing"}}) {
    const TemporaryFolder folder;
    for (const char* name : {"/cat/1.png", "/dog/2.png", "/dog/3.png"})
      write_image(folder, train + std::string(name), grey);
    write_image(folder, test + std::string("/dog/1.png"), grey);
    const auto dataset = open_dataset(folder.path());
    EXPECT_EQ(dataset->size(), 3) << train;
    EXPECT_EQ(dataset->class_names(), (Names{"cat", "dog"})) << train;
    EXPECT_TRUE(has_test_split(folder.path())) << train;
    // A class that the test split lacks keeps its number.
    const auto tested = open_dataset(folder.path(), {.split = "test"});
    EXPECT_EQ(tested->class_names(), (Names{"cat", "dog"})) << train;
    EXPECT_EQ(labels_of(*tested), (Labels{1})) << train;
  }
}

TEST(ImageFolderSplits, MissingTestSplitIsSaid) {
  const TemporaryFolder folder;
  write_image(folder, "a.png", grey);
  EXPECT_FALSE(has_test_split(folder.path()));
  const auto all = open_image_folder(folder.path(), {.split = "train"});
  EXPECT_EQ(all->size(), 1);
  EXPECT_EQ(all->description().split, "train, which is all of it: there is no test split");
  EXPECT_EQ(open_image_folder(folder.path())->description().split, "");
  expect_error([&] { open_image_folder(folder.path(), {.split = "test"}); }, {folder.path().string(), "no test split"});
  expect_error([&] { open_image_folder(folder.path(), {.split = "dev"}); }, {"split", "\"dev\"", "train or test"});
}

TEST(ImageFolderErrors, OnlyBrokenImages) {
  const TemporaryFolder folder;
  folder.write("a.png", "not a PNG");
  folder.write("b.jpg", "");
  expect_error([&] { open_image_folder(folder.path()); }, {"none of the 2 images", folder.path().string(), "a.png"});
}

TEST(ImageFolderErrors, BrokenImageNamesItsFile) {
  const TemporaryFolder folder;
  write_image(folder, "a.png", grey);
  folder.write("b.png", encode_png(grey).substr(0, 40));
  const auto dataset = open_image_folder(folder.path());
  expect_error([&] { dataset->image(1); }, {"b.png"});
}

TEST(ImageFolderErrors, AFolderThatWentAwayIsNoBrokenImage) {
  const TemporaryFolder folder;
  for (const char* name : {"a.png", "b.png", "c.png"}) write_image(folder, name, grey);
  const auto dataset = open_image_folder(folder.path());
  std::filesystem::remove(folder / "b.png");
  try {
    dataset->image(1);
    ADD_FAILURE() << "an image that is not there was read";
  } catch (const VanishedData& error) {
    ADD_FAILURE() << "only one is missing: " << error.what();
  } catch (const Error&) {
  }
  std::filesystem::remove(folder / "a.png");
  std::filesystem::remove(folder / "c.png");
  EXPECT_THROW(dataset->image(1), VanishedData);
  BatchLoader loader(dataset, {.batch = 2});
  EXPECT_THROW(loader.next(), VanishedData);
  std::vector<std::string> skipped;
  EXPECT_THROW(read_batch(*dataset, 0, 3, &skipped), VanishedData);
}

TEST(ImageFolderErrors, ImagesBeyondTheLast) {
  const TemporaryFolder folder;
  write_image(folder, "a.png", grey);
  const auto dataset = open_image_folder(folder.path());
  expect_error([&] { dataset->image(1); }, {"1 images", "no image 1"});
  expect_error([&] { dataset->label(-1); }, {"no image -1"});
}

TEST(ImageFolderErrors, OptionsOutOfRange) {
  const TemporaryFolder folder;
  write_image(folder, "a.png", grey);
  expect_error([&] { open_image_folder(folder.path(), {.image_height = 0}); }, {"image height", "1 to 8192", "got 0"});
  expect_error([&] { open_image_folder(folder.path(), {.image_width = 8193}); }, {"image width", "got 8193"});
  expect_error([&] { open_image_folder(folder.path(), {.image_channels = 2}); }, {"channels", "got 2"});
  expect_error([&] { open_image_folder(folder.path(), {.background = 1.5}); }, {"background", "1.5"});
}

TEST(ImageFolderErrors, OwnSizeBeyondTheLargest) {
  const TemporaryFolder folder;
  write_image(folder, "wide.png", plain_image(9000, 1, {0}));
  expect_error([&] { open_image_folder(folder.path()); }, {"wide.png", "9000 x 1", "8192"});
  EXPECT_EQ(open_image_folder(folder.path(), {.image_height = 2, .image_width = 2})->size(), 1);
}

}  // namespace
}  // namespace iddpm
