#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "iddpm/data/dataset.h"
#include "iddpm/data/folder_labels.h"

namespace iddpm {

/// Where the image files of a data set lie. Safe to read from several threads at once.
class ImageFiles {
 public:
  virtual ~ImageFiles() = default;
  virtual std::size_t count() const = 0;
  /// What to call a file in messages.
  virtual std::string name(std::size_t index) const = 0;
  /// What lists of what was left out call it.
  virtual std::string short_name(std::size_t index) const = 0;
  /// Its contents. Throws Error naming it if it can't be read.
  virtual std::string bytes(std::size_t index) const = 0;
  /// Of names and sizes (Dataset::contents_hash).
  virtual std::uint64_t contents_hash() const = 0;
};

/// Image files and what is known of them.
struct ImageFilesContents {
  std::shared_ptr<const ImageFiles> files;
  FolderLabels labels = {};  ///< one for each file, or none
  std::string source;        ///< the folder or file that they are in
  std::string kind;          ///< "folder of images"
  std::string split = {};
  std::vector<LeftOut> left_out = {};
};

/// A data set of image files, decoded as they are asked for and kept up to DatasetOptions::cache_bytes. All have the
/// shape that the options ask for, or that of the first good one. Throws Error if there is no good one.
std::shared_ptr<const Dataset> image_files_dataset(ImageFilesContents contents, const DatasetOptions& options);

}  // namespace iddpm
