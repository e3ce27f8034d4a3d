#include "iddpm/data/image_files.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/data/fit_image.h"
#include "iddpm/io/image_file.h"

namespace iddpm {

namespace {

// Pixels apart, what a cached image costs.
constexpr std::int64_t cache_overhead = 64;
// By the first rules a folder counts as grey only if so many images are, from its first on.
constexpr int grey_images_by_first_rules = 16;
// From all over the folder: how many images are looked at for their sizes, and for colour as long as all are grey.
constexpr std::int64_t images_looked_at = 64;
constexpr std::int64_t grey_images_for_certainty = 4096;

/// Decoded images, each kept once and never changed, so that they are read without a lock.
class ImageCache {
 public:
  ImageCache(std::size_t images, std::int64_t room) : pixels_(images), room_(room) {}
  ~ImageCache() {
    for (const auto& pixels : pixels_) delete[] pixels.load();
  }
  ImageCache(const ImageCache&) = delete;
  ImageCache& operator=(const ImageCache&) = delete;

  /// Fills `image` if it is there.
  bool get(std::size_t index, const Tensor& image) const {
    const std::uint8_t* pixels = pixels_[index].load(std::memory_order_acquire);
    if (pixels == nullptr) return false;
    std::memcpy(image.data_ptr<std::uint8_t>(), pixels, static_cast<std::size_t>(image.numel()));
    return true;
  }

  void put(std::size_t index, const Tensor& image) {
    const std::int64_t cost = image.numel() + cache_overhead;
    if (room_.fetch_sub(cost) < cost) {
      room_.fetch_add(cost);
      return;
    }
    auto* pixels = new std::uint8_t[static_cast<std::size_t>(image.numel())];
    std::memcpy(pixels, image.data_ptr<std::uint8_t>(), static_cast<std::size_t>(image.numel()));
    std::uint8_t* none = nullptr;
    if (pixels_[index].compare_exchange_strong(none, pixels, std::memory_order_acq_rel)) return;
    delete[] pixels;  // another thread was first
    room_.fetch_add(cost);
  }

 private:
  std::vector<std::atomic<std::uint8_t*>> pixels_;
  std::atomic<std::int64_t> room_;
};

class ImageFilesDataset : public Dataset {
 public:
  ImageFilesDataset(ImageFilesContents contents, const DatasetOptions& options)
      : contents_(std::move(contents)),
        orientation_(options.rules == DataRules::first ? Orientation::ignore : Orientation::apply),
        background_(options.background),
        cache_(contents_.files->count(), options.cache_bytes) {
    find_shape(options);
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(contents_.files->count()); }

  std::vector<std::int64_t> image_shape() const override { return {shape_.channels, shape_.height, shape_.width}; }

  Tensor image(std::int64_t index) const override {
    const std::size_t i = checked(index);
    const Tensor cached = at::empty({shape_.channels, shape_.height, shape_.width}, at::kByte);
    if (cache_.get(i, cached)) return cached;
    Tensor image = fit_image(decoded(index), shape_, background_);
    cache_.put(i, image);
    return image;
  }

  std::int64_t label(std::int64_t index) const override {
    const std::size_t i = checked(index);
    return contents_.labels.labels.empty() ? -1 : contents_.labels.labels[i];
  }

  const std::vector<std::string>& class_names() const override { return contents_.labels.class_names; }

  std::string image_name(std::int64_t index) const override { return contents_.files->name(checked(index)); }

  DatasetDescription description() const override {
    DatasetDescription description = Dataset::description();
    description.kind = contents_.kind;
    description.source = contents_.source;
    description.smallest = smallest_;
    description.largest = largest_;
    description.split = contents_.split;
    description.labels_from = contents_.labels.from;
    description.left_out = contents_.left_out;
    description.colour_profiles = profiles_;
    return description;
  }

  std::uint64_t contents_hash() const override { return contents_.files->contents_hash(); }

 private:
  std::size_t checked(std::int64_t index) const {
    require(index >= 0 && index < size(), "{} has {} images: there is no image {}", contents_.source, size(), index);
    return static_cast<std::size_t>(index);
  }

  Image decoded(std::int64_t index) const {
    const std::size_t i = checked(index);
    return decode_image(contents_.files->bytes(i), contents_.files->name(i), std::int64_t{1} << 28, orientation_);
  }

  /// The size of the first good image; colour if one of those looked at has it. Alpha is kept only when asked for.
  void find_shape(const DatasetOptions& options) {
    std::optional<ImageShape> own;
    std::string first_failure;
    std::int64_t first_good = 0;
    for (; first_good < size() && !own; ++first_good) {
      try {
        const Image image = decoded(first_good);
        own = ImageShape{image.channels >= 3 ? 3 : 1, image.height, image.width};
      } catch (const Error& error) {
        if (first_failure.empty()) first_failure = error.what();
        leave_out(contents_.left_out, "broken", contents_.files->short_name(static_cast<std::size_t>(first_good)));
      }
    }
    if (!own) {
      fail("none of the {} images in {} can be read; the first: {}", size(), contents_.source, first_failure);
    }
    smallest_ = largest_ = {own->height, own->width};
    if (options.rules == DataRules::first) {
      look_for_colour_by_first_rules(*own, first_good, options);
    } else {
      look_around(*own, first_good);
    }
    shape_ = chosen_shape(options, *own, image_name(first_good - 1));
  }

  void look_for_colour_by_first_rules(ImageShape& own, std::int64_t next, const DatasetOptions& options) const {
    for (int good = 1; next < size() && good < grey_images_by_first_rules; ++next) {
      if (own.channels == 3 || options.image_channels) return;
      try {
        if (decoded(next).channels >= 3) own.channels = 3;
        ++good;
      } catch (const Error&) {
        continue;
      }
    }
  }

  /// Reads the beginnings of images from all over the folder.
  void look_around(ImageShape& own, std::int64_t next) {
    look_at(next - 1, own, true);
    const std::int64_t rest = size() - next;
    const std::int64_t all = std::min(rest, grey_images_for_certainty);
    // First an even few, for sizes and broken ones, then more if there is no colour yet.
    const std::int64_t few = std::min(all, images_looked_at);
    for (std::int64_t i = 0; i < few; ++i) look_at(next + i * rest / few, own, true);
    for (std::int64_t i = 0; i < all && own.channels == 1 && all > few; ++i) look_at(next + i * rest / all, own, false);
  }

  void look_at(std::int64_t index, ImageShape& own, bool note) {
    try {
      const ImageHeader header =
          decode_image_header(contents_.files->bytes(checked(index)), image_name(index), orientation_);
      if (header.channels >= 3) own.channels = 3;
      if (!note) return;
      if (!header.colour_profile.empty()) ++profiles_[header.colour_profile];
      const std::vector<std::int64_t> size = {header.height, header.width};
      const auto area = [](const std::vector<std::int64_t>& s) { return s[0] * s[1]; };
      if (area(size) < area(smallest_)) smallest_ = size;
      if (area(size) > area(largest_)) largest_ = size;
    } catch (const Error&) {
      if (note) leave_out(contents_.left_out, "broken", contents_.files->short_name(static_cast<std::size_t>(index)));
    }
  }

  ImageFilesContents contents_;
  Orientation orientation_;
  ImageShape shape_;
  std::vector<std::int64_t> smallest_;
  std::vector<std::int64_t> largest_;
  std::map<std::string, std::int64_t> profiles_;  ///< by name: how many of the images looked at have one
  double background_;
  mutable ImageCache cache_;
};

}  // namespace

std::shared_ptr<const Dataset> image_files_dataset(ImageFilesContents contents, const DatasetOptions& options) {
  return std::make_shared<ImageFilesDataset>(std::move(contents), options);
}

}  // namespace iddpm
