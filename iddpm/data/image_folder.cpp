#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <system_error>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/data/dataset.h"
#include "iddpm/data/fit_image.h"
#include "iddpm/data/fnv.h"
#include "iddpm/data/folder_labels.h"
#include "iddpm/data/folder_listing.h"
#include "iddpm/data/image_files.h"
#include "iddpm/data/vanished_data.h"
#include "iddpm/io/atomic_file.h"

namespace iddpm {

namespace {

namespace fs = std::filesystem;

/// What a folder was found to hold.
struct FolderContents {
  fs::path folder;
  std::vector<std::string> images;
  FolderLabels labels;
  std::string split;
  std::vector<LeftOut> left_out;
};

class FolderFiles : public ImageFiles {
 public:
  FolderFiles(fs::path folder, std::vector<std::string> images)
      : folder_(std::move(folder)), images_(std::move(images)) {}

  std::size_t count() const override { return images_.size(); }
  std::string name(std::size_t index) const override { return (folder_ / images_[index]).string(); }
  std::string short_name(std::size_t index) const override { return images_[index]; }
  std::string bytes(std::size_t index) const override {
    try {
      return read_file(folder_ / images_[index]);
    } catch (const Error& error) {
      const std::size_t last = count() - 1;
      if (!is_gone(index) || !is_gone(0) || !is_gone(last / 2) || !is_gone(last)) throw;
      throw VanishedData(fmt::format("{}; nor are other images of {} there any more", error.what(), folder_.string()));
    }
  }

  std::uint64_t contents_hash() const override {
    Fnv1a hash;
    const int folder = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const std::string& name : images_) {
      struct stat status = {};
      const bool known = folder >= 0 && ::fstatat(folder, name.c_str(), &status, 0) == 0;
      hash.add(name);
      hash.add(known ? static_cast<std::int64_t>(status.st_size) : std::int64_t{-1});
    }
    if (folder >= 0) ::close(folder);
    return hash.value();
  }

 private:
  bool is_gone(std::size_t index) const {
    std::error_code ignored;
    return !fs::exists(folder_ / images_[index], ignored);
  }

  fs::path folder_;
  std::vector<std::string> images_;
};

std::shared_ptr<const Dataset> dataset_of(FolderContents contents, const DatasetOptions& options) {
  const std::string source = contents.folder.string();
  return image_files_dataset(
      {.files = std::make_shared<FolderFiles>(std::move(contents.folder), std::move(contents.images)),
       .labels = std::move(contents.labels),
       .source = source,
       .kind = "folder of images",
       .split = std::move(contents.split),
       .left_out = std::move(contents.left_out)},
      options);
}

std::string split_text(const std::string& name, const fs::path& used, const fs::path& other,
                       const std::vector<std::string>& unused) {
  std::string text = fmt::format("{} ({}/), beside {}/", name, used.filename().string(), other.filename().string());
  if (!unused.empty()) text += fmt::format("; not used: {}/", fmt::join(unused, "/, "));
  return text;
}

/// The images without those that have no label.
void drop_unlabelled(FolderContents& contents) {
  FolderLabels& labels = contents.labels;
  if (labels.labels.empty()) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < contents.images.size(); ++i) {
    if (labels.labels[i] < 0) continue;
    if (kept != i) contents.images[kept] = std::move(contents.images[i]);
    labels.labels[kept++] = labels.labels[i];
  }
  contents.images.resize(kept);
  labels.labels.resize(kept);
}

FolderContents read_folder(const fs::path& folder, const DatasetOptions& options) {
  FolderContents contents = {.folder = folder, .images = {}, .labels = {}, .split = {}, .left_out = {}};
  ImageListing listing = list_images(folder, options.rules);
  require(!listing.images.empty(),
          "{} holds no images: expected .png, .jpg, .webp, .gif, .bmp or .tif files in it or its sub-folders",
          folder.string());
  contents.images = std::move(listing.images);
  contents.labels = label_images(contents.images, folder, options);
  contents.left_out = std::move(contents.labels.left_out);
  contents.left_out.insert(contents.left_out.end(), listing.left_out.begin(), listing.left_out.end());
  drop_unlabelled(contents);
  return contents;
}

/// As a model that was trained on the train split would know them.
std::vector<std::string> classes_of_train_split(const fs::path& folder, DatasetOptions options) {
  return label_images(list_images(folder, options.rules).images, folder, options).class_names;
}

}  // namespace

std::shared_ptr<const Dataset> open_image_folder(const fs::path& path, const DatasetOptions& options) {
  check_dataset_options(options);
  require(is_folder(path), "{} is not a folder of images", path.string());
  const fs::path whole = options.rules == DataRules::first ? path : without_wrappers(path);
  const std::optional<SplitFolders> splits = find_split_folders(whole, options.rules);
  const bool test = options.split == "test";
  require(splits || !test, "{} has no test split: expected sub-folders train and test", path.string());
  if (!splits) {
    FolderContents contents = read_folder(whole, options);
    if (options.split) contents.split = "train, which is all of it: there is no test split";
    return dataset_of(std::move(contents), options);
  }

  DatasetOptions own = options;
  if (test && options.class_names.empty() && options.rules == DataRules::current) {
    own.class_names = classes_of_train_split(splits->train, options);
    if (own.class_names.empty()) own.labels = LabelSource::none;
  }
  FolderContents contents = read_folder(test ? splits->test : splits->train, own);
  contents.split = test ? split_text("test", splits->test, splits->train, splits->unused)
                        : split_text("train", splits->train, splits->test, splits->unused);
  return dataset_of(std::move(contents), options);
}

}  // namespace iddpm
