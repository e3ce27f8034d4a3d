#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/data/dataset_description.h"

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
  /// How the data were understood. Here: what the functions above say.
  virtual DatasetDescription description() const;
  /// A hash of what the data are kept in: names and sizes of all files, or all pixels in memory. 0 if unknown.
  virtual std::uint64_t contents_hash() const;
};

/// Images already in memory. Grey, RGB or RGBA.
struct ImagesInMemory {
  Tensor images;  ///< uint8 [N, C, H, W], of any strides: they are not copied
  Tensor labels;  ///< int64 [N], or undefined
  std::vector<std::string> class_names;
  std::string source;  ///< for messages
  std::string kind = "images";
  std::string labels_from = {};  ///< see DatasetDescription
  std::string split = {};
};
/// Throws Error if types or shapes don't fit, a label is out of range or there are no images.
std::shared_ptr<const Dataset> in_memory_dataset(ImagesInMemory contents);

/// Where the labels of a folder's images come from. Class names are sorted bytewise and numbered in that order.
enum class LabelSource {
  /// Sub-folders if every image is in one, there are at least two, and they aren't numbered or dated parts of one set;
  /// otherwise prefixes if every file's name has one, there are at least two, two thirds as many as images at most, and
  /// they
  /// aren't numbers, dates or what cameras write; otherwise none (docs/data.md). Other kinds of data bring their own
  /// labels, which `automatic` takes and `none` leaves; the other sources are refused there.
  automatic,
  none,
  subfolders,        ///< the first folder below the root
  file_name_prefix,  ///< the file's name before its first underscore
  csv,               ///< a table (names that are all whole numbers are sorted by value)
};

/// How folders of images are understood. A run goes on with the rules it began with.
enum class DataRules {
  first,    ///< PNG, JPEG, WebP as stored, grey by the first 16 images, any sub-folder or prefix a class
  current,  ///< as docs/data.md says
};

struct DatasetOptions {
  /// 1 .. 8192; unset: the data's own (of folders: that of the first image), see default_largest_side.
  std::optional<std::int64_t> image_height = {};
  std::optional<std::int64_t> image_width = {};
  /// 1 grey, 3 RGB, 4 RGBA. Unset: the data's own; of folders grey if all images looked at are (4096 at most, from all
  /// over the folder), otherwise RGB, so that alpha is kept only when it is asked for.
  std::optional<std::int64_t> image_channels = {};
  double background = 1.0;  ///< what shows through transparent pixels when alpha is dropped, 0 black .. 1 white
  LabelSource labels = LabelSource::automatic;
  /// For LabelSource::csv: lines "file,label", the file relative to the images' folder.
  std::filesystem::path csv = {};
  /// "train" or "test" where a data set has both; unset: train. Asking for the test split of data that has none is an
  /// Error. A folder of images has both if it holds sub-folders train (or training) and test (or testing, val, valid,
  /// validation, eval), in upper or lower case, and no images beside them.
  std::optional<std::string> split = {};
  std::int64_t cache_bytes = std::int64_t{1} << 30;  ///< decoded images of a folder kept in memory, at most
  /// Where neither height nor width is asked for: images with a longer side become squares of at most this side, and
  /// sides are rounded down to multiples of 4 (below 16 pixels of 2), so that a network with three levels fits.
  std::optional<std::int64_t> default_largest_side = {};
  /// Classes by number, as a model knows them: labels follow these names, and images of other classes are left out (of
  /// data in memory: refused). Empty: the data's own classes; of a test split those of its train split.
  std::vector<std::string> class_names = {};
  DataRules rules = DataRules::current;
};

/// Opens whatever is at `path`: a folder of images, a folder or file of the MNIST family (IDX, .gz too), CIFAR-10/100
/// binary files, an .npz, zip and tar archives of images. Images of another shape than the options ask for are
/// converted as they are read (see resize_and_crop and convert_channels). Throws Error if the path is missing, empty,
/// or of no supported kind (naming the kinds there are), or for options out of range.
std::shared_ptr<const Dataset> open_dataset(const std::filesystem::path& path, const DatasetOptions& options = {});

/// Whether the data at `path` has a test split of its own. Throws Error as open_dataset does.
bool has_test_split(const std::filesystem::path& path);

/// The image files (is_image_file_name) in a folder and its sub-folders, in the order of a sorted walk; in a folder
/// that holds nothing but one folder of folders, those of the latter. Hidden names and iddpm's own runs and samples are
/// left out; links are followed, each folder is read once. Images that can't be decoded are found out when they are
/// read, but if all are such, that is an Error here.
std::shared_ptr<const Dataset> open_image_folder(const std::filesystem::path& path, const DatasetOptions& options = {});

/// A folder with the files of the MNIST family (train-images-idx3-ubyte, t10k-labels-idx1-ubyte and so on, packed with
/// gzip or not), or one of its files of images. Classes are digits, or clothes if the folder's name contains "fashion".
std::shared_ptr<const Dataset> open_idx(const std::filesystem::path& path, const DatasetOptions& options = {});

/// The folder of CIFAR-10's binary version (data_batch_1.bin .., test_batch.bin, batches.meta.txt) or CIFAR-100's
/// (train.bin, test.bin, fine_label_names.txt; the fine classes), or one of the files.
std::shared_ptr<const Dataset> open_cifar(const std::filesystem::path& path, const DatasetOptions& options = {});

/// The image files within a zip archive (stored or deflated) or a tar archive, or in all of a folder of them (shards),
/// in their order, read at random without unpacking. Classes as of a folder of images, or, as WebDataset has them, from
/// a file beside each image of the same name up to the first dot: .cls with the class, .json with its "label", "cls",
/// "class" or "class_name". Splits: folders train and test (see DatasetOptions::split), of archives or within them.
std::shared_ptr<const Dataset> open_archives(const std::filesystem::path& path, const DatasetOptions& options = {});

/// An .npz archive with an array of images, uint8 [N, H, W, C], [N, C, H, W], [N, H, W] or rows of square images by
/// channel, named arr_0, images, x, data, x_train or train_images (test split: x_test, test_images), and perhaps one of
/// labels, whole numbers from 0, named arr_1, labels, y, label, y_train or train_labels (y_test, test_labels). Other
/// arrays, of whatever type, don't matter.
std::shared_ptr<const Dataset> open_npz_dataset(const std::filesystem::path& path, const DatasetOptions& options = {});

}  // namespace iddpm
