#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/data/dataset.h"
#include "iddpm/data/fit_image.h"
#include "iddpm/data/fnv.h"

namespace iddpm {

namespace {

class InMemoryDataset : public Dataset {
 public:
  InMemoryDataset(ImagesInMemory contents, const DatasetOptions& options) : contents_(std::move(contents)) {
    const Tensor& images = contents_.images;
    own_shape_ = {images.size(1), images.size(2), images.size(3)};
    shape_ = chosen_shape(options, own_shape_, contents_.source);
    background_ = options.background;
  }

  std::int64_t size() const override { return contents_.images.size(0); }

  std::vector<std::int64_t> image_shape() const override { return {shape_.channels, shape_.height, shape_.width}; }

  Tensor image(std::int64_t index) const override {
    check_index(index);
    const Tensor image = at::empty({own_shape_.channels, own_shape_.height, own_shape_.width}, at::kByte);
    copy_pixels(index, image.data_ptr<std::uint8_t>());
    return shape_ == own_shape_ ? image : fit_image(image_from_bytes(image), shape_, background_);
  }

  std::int64_t label(std::int64_t index) const override {
    check_index(index);
    return contents_.labels.defined() ? contents_.labels.data_ptr<std::int64_t>()[index] : -1;
  }

  const std::vector<std::string>& class_names() const override { return contents_.class_names; }

  std::string image_name(std::int64_t index) const override {
    return fmt::format("{}, image {}", contents_.source, index);
  }

  DatasetDescription description() const override {
    DatasetDescription description = Dataset::description();
    description.kind = contents_.kind;
    description.source = contents_.source;
    description.smallest = description.largest = {own_shape_.height, own_shape_.width};
    description.split = contents_.split;
    description.labels_from = contents_.labels_from;
    return description;
  }

  std::uint64_t contents_hash() const override {
    Fnv1a hash;
    std::vector<std::uint8_t> pixels(
        static_cast<std::size_t>(own_shape_.channels * own_shape_.height * own_shape_.width));
    for (std::int64_t i = 0; i < size(); ++i) {
      copy_pixels(i, pixels.data());
      hash.add_fast(pixels);
    }
    return hash.value();
  }

 private:
  /// By hand: LibTorch's own copies may start a team of threads for a large image.
  void copy_pixels(std::int64_t index, std::uint8_t* target) const {
    const at::IntArrayRef strides = contents_.images.strides();
    const std::uint8_t* source = contents_.images.data_ptr<std::uint8_t>() + index * strides[0];
    for (std::int64_t c = 0; c < own_shape_.channels; ++c) {
      for (std::int64_t y = 0; y < own_shape_.height; ++y, target += own_shape_.width) {
        const std::uint8_t* row = source + c * strides[1] + y * strides[2];
        if (strides[3] == 1) {
          std::memcpy(target, row, static_cast<std::size_t>(own_shape_.width));
          continue;
        }
        for (std::int64_t x = 0; x < own_shape_.width; ++x) target[x] = row[x * strides[3]];
      }
    }
  }

  void check_index(std::int64_t index) const {
    require(index >= 0 && index < size(), "{} has {} images: there is no image {}", contents_.source, size(), index);
  }

  ImagesInMemory contents_;
  ImageShape own_shape_;
  ImageShape shape_;
  double background_ = 1.0;
};

void check_labels(const ImagesInMemory& contents) {
  const Tensor& labels = contents.labels;
  if (!labels.defined()) {
    require(contents.class_names.empty(), "{} names {} classes but has no labels", contents.source,
            contents.class_names.size());
    return;
  }
  const std::int64_t count = contents.images.size(0);
  require(labels.dim() == 1 && labels.scalar_type() == at::kLong && labels.size(0) == count,
          "labels of {}: expected {} int64 numbers, got {} of shape {}", contents.source, count,
          at::toString(labels.scalar_type()), format_shape(labels.sizes()));
  const auto classes = static_cast<std::int64_t>(contents.class_names.size());
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t label = labels.data_ptr<std::int64_t>()[i];
    require(label >= 0 && label < classes, "{}, image {}: its class is {}, but there are {} classes", contents.source,
            i, label, classes);
  }
}

/// Labels by the names that the options ask for.
void number_by_names(ImagesInMemory& contents, const std::vector<std::string>& names) {
  if (names.empty() || !contents.labels.defined() || contents.class_names == names) return;
  std::vector<std::int64_t> number_of;
  for (const std::string& name : contents.class_names) {
    const auto place = std::find(names.begin(), names.end(), name);
    number_of.push_back(place == names.end() ? -1 : place - names.begin());
  }
  contents.labels = contents.labels.clone();
  auto* labels = contents.labels.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < contents.labels.numel(); ++i) {
    const std::int64_t number = number_of[static_cast<std::size_t>(labels[i])];
    require(number >= 0, "{}, image {}: its class {} is none of {}", contents.source, i,
            contents.class_names[static_cast<std::size_t>(labels[i])], fmt::join(names, ", "));
    labels[i] = number;
  }
  contents.class_names = names;
}

}  // namespace

std::shared_ptr<const Dataset> fitted_dataset(ImagesInMemory contents, const DatasetOptions& options) {
  check_dataset_options(options);
  require(options.labels == LabelSource::automatic || options.labels == LabelSource::none,
          "{} has its own labels: labels from sub-folders, file names or a CSV are for folders of images",
          contents.source);
  const Tensor& images = contents.images;
  require(images.defined() && images.dim() == 4 && images.scalar_type() == at::kByte,
          "images of {}: expected uint8 [N, C, H, W], got {}", contents.source,
          images.defined() ? fmt::format("{} {}", at::toString(images.scalar_type()), format_shape(images.sizes()))
                           : std::string("nothing"));
  require(images.numel() > 0, "{} holds no images", contents.source);
  require(images.size(1) == 1 || images.size(1) == 3 || images.size(1) == 4,
          "images of {}: expected 1 (grey), 3 (RGB) or 4 (RGBA) channels, got {}", contents.source, images.size(1));
  contents.images = images.cpu();
  if (options.labels == LabelSource::none) {
    contents.labels.reset();
    contents.class_names.clear();
    contents.labels_from = "they weren't asked for";
  }
  if (contents.labels.defined()) contents.labels = contents.labels.cpu().contiguous();
  check_labels(contents);
  number_by_names(contents, options.class_names);
  return std::make_shared<InMemoryDataset>(std::move(contents), options);
}

std::shared_ptr<const Dataset> in_memory_dataset(ImagesInMemory contents) {
  return fitted_dataset(std::move(contents), {});
}

}  // namespace iddpm
