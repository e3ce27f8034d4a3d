#include "iddpm/data/csv_labels.h"

#include <gtest/gtest.h>

#include "tests/data/data_samples.h"

namespace iddpm {
namespace {

const Image grey = plain_image(2, 2, {9});

class CsvLabels : public ::testing::Test {
 protected:
  CsvLabels() {
    for (const char* name : {"a.png", "b.png", "sub/c.png"}) write_image(images_, name, grey);
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

TEST_F(CsvLabels, ErrorsNameTheLine) {
  expect_error([&] { open("a.png,cat\nb.png\nsub/c.png,dog\n"); }, {"labels.csv, line 2", "comma", "b.png"});
  expect_error([&] { open("a.png,cat\n\nb.png,dog,big\n"); }, {"labels.csv, line 3", "two fields"});
  expect_error([&] { open("a.png,\n"); }, {"line 1", "empty field"});
  expect_error([&] { open("\"a.png,cat\n"); }, {"line 1", "quote"});
  expect_error([&] { open("\"a.png\"x,cat\n"); }, {"line 1", "comma after"});
  expect_error([&] { open("a.png,cat\na.png,dog\n"); }, {"line 2", "a.png", "cat", "dog"});
}

TEST_F(CsvLabels, AnImageWithoutLineIsNamed) {
  expect_error([&] { open("a.png,cat\nb.png,dog\n"); }, {"c.png", "no label", "labels.csv"});
}

TEST_F(CsvLabels, AMissingTableIsNamed) {
  expect_error([&] { open_image_folder(images_.path(), {.labels = LabelSource::csv, .csv = elsewhere_ / "none.csv"}); },
               {"none.csv"});
  expect_error([&] { open_image_folder(images_.path(), {.labels = LabelSource::csv}); }, {"CSV"});
}

}  // namespace
}  // namespace iddpm
