#include <cstddef>
#include <cstring>
#include <mutex>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/data/dataset.h"
#include "iddpm/data/fit_image.h"
#include "iddpm/data/folder_labels.h"
#include "iddpm/data/folder_listing.h"
#include "iddpm/io/image_file.h"

namespace iddpm {

namespace {

namespace fs = std::filesystem;

// Pixels apart, what a cached tensor costs.
constexpr std::int64_t cache_overhead = 256;
// A folder counts as grey only if so many images are.
constexpr int grey_images_for_certainty = 16;

Tensor copy_of(const Tensor& image) {
  const Tensor copy = at::empty(image.sizes(), at::kByte);
  std::memcpy(copy.data_ptr<std::uint8_t>(), image.data_ptr<std::uint8_t>(), static_cast<std::size_t>(image.numel()));
  return copy;
}

class ImageFolder : public Dataset {
 public:
  ImageFolder(fs::path folder, std::vector<std::string> images, FolderLabels labels, const DatasetOptions& options)
      : folder_(std::move(folder)),
        images_(std::move(images)),
        labels_(std::move(labels)),
        background_(options.background),
        cache_room_(options.cache_bytes),
        cache_(images_.size()) {
    shape_ = find_shape(options);
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(images_.size()); }

  std::vector<std::int64_t> image_shape() const override { return {shape_.channels, shape_.height, shape_.width}; }

  Tensor image(std::int64_t index) const override {
    Tensor& cached = cache_[checked(index)];
    {
      const std::lock_guard lock(cache_mutex_);
      if (cached.defined()) return copy_of(cached);
    }
    Tensor image = fit_image(read_image(path_of(index)), shape_, background_);
    const std::lock_guard lock(cache_mutex_);
    const std::int64_t cost = image.numel() + cache_overhead;
    if (cost > cache_room_ || cached.defined()) return image;
    cache_room_ -= cost;
    cached = image;
    return copy_of(image);
  }

  std::int64_t label(std::int64_t index) const override {
    const std::size_t i = checked(index);
    return labels_.labels.empty() ? -1 : labels_.labels[i];
  }

  const std::vector<std::string>& class_names() const override { return labels_.class_names; }

  std::string image_name(std::int64_t index) const override { return path_of(index).string(); }

 private:
  std::size_t checked(std::int64_t index) const {
    require(index >= 0 && index < size(), "{} has {} images: there is no image {}", folder_.string(), size(), index);
    return static_cast<std::size_t>(index);
  }

  fs::path path_of(std::int64_t index) const { return folder_ / images_[checked(index)]; }

  /// The size of the first good image; colour if one of the first good images has it. Alpha is kept only when asked
  /// for.
  ImageShape find_shape(const DatasetOptions& options) const {
    std::optional<ImageShape> own;
    std::string name;
    std::string first_failure;
    int good_images = 0;
    for (std::int64_t i = 0; i < size(); ++i) {
      Image image;
      try {
        image = read_image(path_of(i));
      } catch (const Error& error) {
        if (first_failure.empty()) first_failure = error.what();
        continue;
      }
      ++good_images;
      if (!own) {
        own = ImageShape{1, image.height, image.width};
        name = image_name(i);
      }
      if (image.channels >= 3) own->channels = 3;
      if (own->channels == 3 || options.image_channels || good_images == grey_images_for_certainty) break;
    }
    if (!own) fail("none of the {} images in {} can be read; the first: {}", size(), folder_.string(), first_failure);
    return chosen_shape(options, *own, name);
  }

  fs::path folder_;
  std::vector<std::string> images_;
  FolderLabels labels_;
  ImageShape shape_;
  double background_;
  mutable std::mutex cache_mutex_;
  mutable std::int64_t cache_room_;
  mutable std::vector<Tensor> cache_;
};

fs::path choose_split(const fs::path& folder, const std::optional<std::string>& split) {
  const std::optional<SplitFolders> splits = find_split_folders(folder);
  if (splits) return split == "test" ? splits->test : splits->train;
  require(split != "test", "{} has no test split: expected sub-folders train and test", folder.string());
  return folder;
}

}  // namespace

std::shared_ptr<const Dataset> open_image_folder(const fs::path& path, const DatasetOptions& options) {
  check_dataset_options(options);
  require(is_folder(path), "{} is not a folder of images", path.string());
  const fs::path folder = choose_split(path, options.split);
  std::vector<std::string> images = list_images(folder);
  require(!images.empty(), "{} holds no images: expected .png, .jpg, .jpeg or .webp files in it or its sub-folders",
          folder.string());
  FolderLabels labels = label_images(images, folder, options.labels, options.csv);
  return std::make_shared<ImageFolder>(folder, std::move(images), std::move(labels), options);
}

}  // namespace iddpm
