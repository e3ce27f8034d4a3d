#include "iddpm/data/relabelled_dataset.h"

#include <gtest/gtest.h>

#include "tests/expect_error.h"

namespace iddpm {
namespace {

std::shared_ptr<const Dataset> data_of(std::vector<std::string> names) {
  const auto count = static_cast<std::int64_t>(names.size());
  return in_memory_dataset({.images = at::zeros({count, 1, 2, 2}, at::kByte),
                            .labels = at::arange(count, at::kLong),
                            .class_names = std::move(names),
                            .source = "test images"});
}

using ClassNames = std::vector<std::string>;

}  // namespace

TEST(RelabelledDataset, TakesClassesByName) {
  const auto dataset = relabelled_dataset(data_of({"cat", "bird"}), {"bird", "dog", "cat"});
  EXPECT_EQ(dataset->class_names(), (ClassNames{"bird", "dog", "cat"}));
  EXPECT_EQ(dataset->label(0), 2);
  EXPECT_EQ(dataset->label(1), 0);
  EXPECT_EQ(dataset->size(), 2);
}

TEST(RelabelledDataset, NamesAClassThatIsNotThere) {
  EXPECT_TRUE(contains(error_of([] { relabelled_dataset(data_of({"ape", "bird"}), {"bird"}); }), "ape"));
}

TEST(RelabelledDataset, ComparesClasses) {
  const ClassComparison classes = compare_classes({"bird", "cat", "dog"}, {"ape", "bird", "cat"});
  EXPECT_EQ(classes.shared, (ClassNames{"bird", "cat"}));
  EXPECT_EQ(classes.added, ClassNames{"ape"});
  EXPECT_EQ(classes.missing, ClassNames{"dog"});
}

}  // namespace iddpm
