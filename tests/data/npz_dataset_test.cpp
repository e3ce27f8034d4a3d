#include <gtest/gtest.h>

#include "iddpm/data/dataset.h"
#include "iddpm/io/npz.h"
#include "iddpm/io/zip_writer.h"
#include "tests/data/data_samples.h"

namespace iddpm {
namespace {

class NpzDataset : public ::testing::Test {
 protected:
  std::shared_ptr<const Dataset> open(const NamedTensors& arrays, const DatasetOptions& options = {}) const {
    write_npz(folder_ / "samples.npz", arrays);
    return open_dataset(folder_ / "samples.npz", options);
  }

  static Tensor counted(at::IntArrayRef shape) {
    std::int64_t size = 1;
    for (const std::int64_t extent : shape) size *= extent;
    return at::arange(size).remainder(251).to(at::kByte).view(shape);
  }

  TemporaryFolder folder_;
};

TEST_F(NpzDataset, ReadsImagesWithChannelsLastOrFirst) {
  const Tensor last = counted({2, 5, 4, 3});
  const auto dataset = open({{"arr_0", last}});
  EXPECT_EQ(dataset->image_shape(), (std::vector<std::int64_t>{3, 5, 4}));
  EXPECT_TRUE(at::equal(dataset->image(1), last[1].permute({2, 0, 1})));
  EXPECT_TRUE(dataset->class_names().empty());
  const Tensor first = counted({2, 3, 5, 7});
  EXPECT_TRUE(at::equal(open({{"images", first}})->image(1), first[1]));
}

TEST_F(NpzDataset, ReadsGreyImagesAndRows) {
  const Tensor grey = counted({3, 5, 6});
  EXPECT_TRUE(at::equal(open({{"x", grey}})->image(2)[0], grey[2]));
  const Tensor rows = counted({2, 3 * 16});
  EXPECT_TRUE(at::equal(open({{"data", rows}})->image(1), rows[1].view({3, 4, 4})));
  EXPECT_EQ(open({{"data", counted({2, 16})}})->image_shape(), (std::vector<std::int64_t>{1, 4, 4}));
}

TEST_F(NpzDataset, ReadsLabels) {
  const Tensor images = counted({3, 4, 4, 1});
  for (const at::ScalarType type : {at::kLong, at::kInt, at::kByte}) {
    const auto dataset = open({{"arr_0", images}, {"arr_1", at::tensor({2, 0, 2}).to(type)}});
    EXPECT_EQ(dataset->class_names(), (std::vector<std::string>{"0", "1", "2"}));
    EXPECT_EQ(dataset->label(0), 2);
    EXPECT_EQ(dataset->label(1), 0);
  }
  EXPECT_EQ(open({{"x", images}, {"y", at::tensor({{1}, {0}, {1}})}})->label(2), 1);
  EXPECT_TRUE(
      open({{"x", images}, {"y", at::zeros({3}, at::kLong)}}, {.labels = LabelSource::none})->class_names().empty());
}

TEST_F(NpzDataset, KnowsTestArrays) {
  const NamedTensors arrays = {{"x_train", counted({3, 4, 4})},
                               {"y_train", at::tensor({0, 1, 2})},
                               {"x_test", counted({1, 4, 4})},
                               {"y_test", at::tensor({1})}};
  EXPECT_EQ(open(arrays)->size(), 3);
  EXPECT_EQ(open(arrays, {.split = "test"})->size(), 1);
  EXPECT_EQ(open(arrays, {.split = "test"})->label(0), 1);
  EXPECT_TRUE(has_test_split(folder_ / "samples.npz"));
  expect_error([&] { open({{"arr_0", counted({3, 4, 4})}}, {.split = "test"}); }, {"samples.npz", "x_test"});
}

TEST_F(NpzDataset, OtherArraysDoNotMatter) {
  const auto path = folder_ / "samples.npz";
  ZipWriter archive(path);
  const auto add = [&](const std::string& name, const std::string& type, const std::string& shape,
                       const std::string& data) {
    std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}\n", type, shape);
    header = "\x93NUMPY\x01" + std::string(1, '\0') + static_cast<char>(header.size()) + '\0' + header;
    archive.add(name + ".npy", {std::as_bytes(std::span(header)), std::as_bytes(std::span(data))});
  };
  add("names", "<U3", "(2,)", std::string(24, 'a'));
  add("paths", "|O", "(1,)", "anything");
  add("images", "|u1", "(2, 4, 4, 3)", std::string(96, 'b'));
  add("seed", "<u8", "()", std::string("\7\0\0\0\0\0\0\0", 8));
  add("labels", "<u2", "(2,)", std::string("\1\0\0\0", 4));
  archive.commit();
  const auto dataset = open_dataset(path);
  EXPECT_EQ(dataset->size(), 2);
  EXPECT_EQ(dataset->label(0), 1);
  EXPECT_EQ(dataset->label(1), 0);
  EXPECT_EQ(dataset->image(1)[2][3][3].item<int>(), 'b');
}

TEST_F(NpzDataset, ErrorsSayWhatIsExpected) {
  expect_error([&] { open({{"pictures", counted({2, 4, 4})}}); }, {"samples.npz", "arr_0, images"});
  expect_error([&] { open({{"arr_0", at::zeros({2, 4, 4, 3})}}); }, {"arr_0", "uint8", "Float"});
  expect_error([&] { open({{"arr_0", counted({2, 5, 5, 2})}}); }, {"arr_0", "[N, H, W, C]", "[2, 5, 5, 2]"});
  expect_error([&] { open({{"arr_0", counted({2, 15})}}); }, {"rows of square images", "[2, 15]"});
  expect_error([&] { open({{"arr_0", at::empty({0, 4, 4, 3}, at::kByte)}}); }, {"no images"});
  const Tensor images = counted({2, 4, 4});
  expect_error([&] { open({{"x", images}, {"y", at::tensor({0, 1, 2})}}); }, {"array y", "2 whole numbers", "[3]"});
  expect_error([&] { open({{"x", images}, {"y", at::zeros({2})}}); }, {"array y", "Float"});
  expect_error([&] { open({{"x", images}, {"y", at::tensor({0, -1})}}); }, {"-1"});
  expect_error([&] { open({{"x", images}, {"y", at::tensor({0, 2000000000})}}); }, {"2000000000"});
}

}  // namespace
}  // namespace iddpm
