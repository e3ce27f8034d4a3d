#include "iddpm/data/csv_labels.h"

#include <gtest/gtest.h>

#include "tests/data/data_samples.h"
#include "tests/io/hostile_files.h"

namespace iddpm {
namespace {

const Image small_grey = plain_image(2, 2, {9});

class CsvLabels : public ::testing::Test {
 protected:
  CsvLabels() {
    for (const char* name : {"a.png", "b.png", "sub/c.png"}) write_image(images_, name, small_grey);
  }

  std::shared_ptr<const Dataset> open(std::string_view table) const {
    const auto csv = elsewhere_.write("labels.csv", table);
    return open_image_folder(images_.path(), {.labels = LabelSource::csv, .csv = csv});
  }

  static std::vector<std::int64_t> labels_of(const Dataset& dataset) {
    return {dataset.label(0), dataset.label(1), dataset.label(2)};
  }

  TemporaryFolder images_;
  TemporaryFolder elsewhere_;
};

using Names = std::vector<std::string>;
using Labels = std::vector<std::int64_t>;

TEST_F(CsvLabels, AreReadWithOrWithoutHeader) {
  for (const char* header : {"", "file,label\n",
                             "\xEF\xBB\xBF"
                             "filename,class\r\n"}) {
    const auto dataset = open(header + std::string("b.png,dog\na.png,cat\nsub/c.png,dog\n"));
    EXPECT_EQ(dataset->class_names(), (Names{"cat", "dog"}));
    EXPECT_EQ(labels_of(*dataset), (Labels{0, 1, 1}));
  }
}

TEST_F(CsvLabels, TolerateSpacesEmptyLinesQuotesAndOtherFiles) {
  const auto dataset =
      open("  ./a.png ,  cat \r\n\r\n\"b.png\",\"big, \"\"old\"\" dog\"\nother.png,owl\nsub/c.png,cat");
  EXPECT_EQ(dataset->class_names(), (Names{"big, \"old\" dog", "cat"}));
  EXPECT_EQ(labels_of(*dataset), (Labels{1, 0, 1}));
}

TEST_F(CsvLabels, NumbersAreSortedByValue) {
  const auto dataset = open("a.png,10\nb.png,9\nsub/c.png,100\n");
  EXPECT_EQ(dataset->class_names(), (Names{"9", "10", "100"}));
  EXPECT_EQ(labels_of(*dataset), (Labels{1, 0, 2}));
}

/// "count reason" of everything left out.
Names left_out(const Dataset& dataset) {
  Names names;
  for (const LeftOut& left : dataset.description().left_out) {
    names.push_back(fmt::format("{} {}: {}", left.count, left.reason, fmt::join(left.examples, " ")));
  }
  return names;
}

TEST_F(CsvLabels, MayBeSeparatedBySemicolonsOrTabs) {
  for (const char* table : {"name;class\r\na.png;cat\r\nb.png;a, b\r\nsub/c.png;cat\r\n",
                            "a.png\tcat\nb.png\ta, b\nsub/c.png\tcat\n", "a.png;cat\rb.png;\"a, b\"\rsub\\c.png;cat"}) {
    const auto dataset = open(table);
    EXPECT_EQ(dataset->class_names(), (Names{"a, b", "cat"})) << table;
    EXPECT_EQ(labels_of(*dataset), (Labels{1, 0, 1})) << table;
  }
}

TEST_F(CsvLabels, MayBeUtf16) {
  const std::string text = "a.png\tcat\nb.png\tdog\nsub/c.png\tdog\n";
  std::string little = "\xFF\xFE";
  std::string big = "\xFE\xFF";
  for (const char c : text) {
    little += {c, '\0'};
    big += {'\0', c};
  }
  for (const std::string& table : {little, big}) EXPECT_EQ(labels_of(*open(table)), (Labels{0, 1, 1}));
}

TEST_F(CsvLabels, FindsTheColumnsByTheirContentsAndHeader) {
  EXPECT_EQ(labels_of(*open("label,file\ncat,a.png\ndog,b.png\ncat,sub/c.png\n")), (Labels{0, 1, 0}));
  EXPECT_EQ(labels_of(*open(",image,width,Class\n0,a.png,8,cat\n1,b.png,8,dog\n2,sub/c.png,8,cat\n")),
            (Labels{0, 1, 0}));
  expect_error([&] { open("image,width,height\na.png,8,8\nb.png,8,8\n"); }, {"labels.csv", "width", "label or class"});
}

TEST_F(CsvLabels, FilesMayBeAbsoluteInAnotherCaseOrWithoutEnding) {
  const std::string folder = images_.path().string();
  const auto dataset = open(fmt::format("{}/a.png,cat\nB.PNG,dog\nsub/c,cat\n", folder));
  EXPECT_EQ(labels_of(*dataset), (Labels{0, 1, 0}));
  const std::string name = images_.path().filename().string();
  EXPECT_EQ(labels_of(*open(fmt::format("C:\\old\\{0}\\a.png,cat\n./{0}/b.png,dog\n{0}/sub/c.png,dog\n", name))),
            (Labels{0, 1, 1}));
}

TEST_F(CsvLabels, WhatCannotBeReadIsNamedAndLeftOut) {
  const auto dataset = open("a.png,cat\nb.png\nsub/c.png,dog\n");
  EXPECT_EQ(dataset->size(), 2);
  EXPECT_EQ(left_out(*dataset),
            (Names{"1 images without a label: b.png", "1 lines without a label: labels.csv, line 2"}));
  const auto contradicted = open("a.png,cat\na.png,dog\nb.png,cat\n\"sub/c.png,cat\n");
  EXPECT_EQ(contradicted->size(), 1);
  EXPECT_EQ(left_out(*contradicted), (Names{"2 images without a label: a.png sub/c.png",
                                            "1 lines that contradict another: labels.csv, line 2"}));
  expect_error([&] { open("x.png,cat\ny.png,dog\n"); }, {"labels.csv", "none of the images"});
}

// Each took time by the square of its length: minutes for a megabyte.
TEST_F(CsvLabels, HostileLinesTakeNoLongerThanTheyAreLong) {
  const std::string table = "a.png,cat\nb.png,dog\nsub/c.png,cat\n";
  std::string quoted, own_name, here;
  for (int i = 0; i < 300'000; ++i) quoted += "\"x\",";
  for (int i = 0; i < 50'000; ++i) own_name += images_.path().filename().string() + '/';
  for (int i = 0; i < 1'000'000; ++i) here += "./";
  for (const std::string& line : {quoted, own_name + ",x", here + ",x"}) {
    EXPECT_EQ(labels_of(*open(table + line)), (Labels{0, 1, 0}));
  }
}

TEST_F(CsvLabels, FieldsCountWithTheMemoryTheyTake) {
  const MemoryLimit limit(1 << 20);
  expect_error([&] { open("a.png,cat\nb.png,dog\n" + std::string(100'000, ',')); }, {"labels.csv", "memory"});
}

TEST_F(CsvLabels, AMissingTableIsNamed) {
  expect_error([&] { open_image_folder(images_.path(), {.labels = LabelSource::csv, .csv = elsewhere_ / "none.csv"}); },
               {"none.csv"});
  expect_error([&] { open_image_folder(images_.path(), {.labels = LabelSource::csv}); }, {"CSV"});
}

}  // namespace
}  // namespace iddpm
