#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// Images of one shape, with or without classes. Safe to read from several threads.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::int64_t size() const = 0;
  /// [C, H, W] of every image.
  virtual std::vector<std::int64_t> image_shape() const = 0;
  /// Image i, uint8 [C, H, W]. Throws Error naming the file if it can't be read.
  virtual Tensor image(std::int64_t index) const = 0;
  /// Its class, 0 .. classes - 1; -1 if there are none.
  virtual std::int64_t label(std::int64_t index) const = 0;
  /// Empty if the images have no classes.
  virtual const std::vector<std::string>& class_names() const = 0;
  /// What to call image i in messages: a path, or "train-images-idx3-ubyte.gz, image 17".
  virtual std::string image_name(std::int64_t index) const = 0;
};

/// Images already in memory.
struct ImagesInMemory {
  Tensor images;  ///< uint8 [N, C, H, W]
  Tensor labels;  ///< int64 [N], or undefined
  std::vector<std::string> class_names;
  std::string source;  ///< for messages
};
std::shared_ptr<const Dataset> in_memory_dataset(ImagesInMemory contents);

/// Where labels come from.
enum class LabelSource { automatic, none, subfolders, file_name_prefix, csv };

struct DatasetOptions {
  std::optional<std::int64_t> image_height;  ///< unset: the data's own (of folders: that of the first image)
  std::optional<std::int64_t> image_width;
  std::optional<std::int64_t> image_channels;  ///< 1 grey, 3 RGB, 4 RGBA; unset: the data's own
  double background = 1.0;  ///< what shows through transparent pixels when alpha is dropped, 0 black .. 1 white
  LabelSource labels = LabelSource::automatic;
  std::filesystem::path csv;         ///< for LabelSource::csv: lines "file,label" (a header line is recognised)
  std::optional<std::string> split;  ///< "train" or "test" where a data set has both; unset: train
  std::int64_t cache_bytes = std::int64_t{1} << 30;  ///< decoded images of a folder kept in memory, at most
};

/// Opens whatever is at `path`: a folder of images, a folder or file of the MNIST family (IDX, .gz too), CIFAR-10/100
/// binary files, an .npz. Throws Error if it is missing, empty, or of no supported kind (naming the kinds there are).
std::shared_ptr<const Dataset> open_dataset(const std::filesystem::path& path, const DatasetOptions& options = {});

/// The formats one by one.
std::shared_ptr<const Dataset> open_image_folder(const std::filesystem::path& path, const DatasetOptions& options = {});
std::shared_ptr<const Dataset> open_idx(const std::filesystem::path& path, const DatasetOptions& options = {});
std::shared_ptr<const Dataset> open_cifar(const std::filesystem::path& path, const DatasetOptions& options = {});
std::shared_ptr<const Dataset> open_npz_dataset(const std::filesystem::path& path, const DatasetOptions& options = {});

}  // namespace iddpm
