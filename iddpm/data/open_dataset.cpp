#include <algorithm>
#include <string_view>
#include <system_error>

#include "iddpm/core/error.h"
#include "iddpm/data/dataset.h"
#include "iddpm/data/detect.h"
#include "iddpm/data/fit_image.h"
#include "iddpm/data/folder_listing.h"
#include "iddpm/io/image_file.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/tar_archive.h"

namespace iddpm {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view supported_kinds =
    "a folder of images (.png, .jpg, .webp, .gif, .bmp, .tif), files of the MNIST family (train-images-idx3-ubyte, .gz "
    "too), "
    "CIFAR-10 or CIFAR-100 binary files (data_batch_1.bin, train.bin), an .npz archive, or images in .zip or .tar "
    "archives";

enum class DatasetKind { image_folder, idx, cifar, npz, archives };

DatasetKind kind_of_folder(const fs::path& path) {
  const FolderEntries entries = list_folder(path);
  require(!entries.files.empty() || !entries.folders.empty(), "the folder {} is empty: expected {}", path.string(),
          supported_kinds);
  if (is_idx_folder(path)) return DatasetKind::idx;
  if (is_cifar_folder(path)) return DatasetKind::cifar;
  const auto has = [&](std::string_view name) {
    return std::find(entries.files.begin(), entries.files.end(), name) != entries.files.end();
  };
  require(!has("data_batch_1"), "{} holds the Python version of CIFAR-10: get the binary version (data_batch_1.bin)",
          path.string());
  const bool has_images = std::any_of(entries.files.begin(), entries.files.end(), is_image_file_name);
  if (!has_images && is_archive_folder(path)) return DatasetKind::archives;
  // What the sub-folders hold is for open_image_folder to find out: listing a large data set twice would take seconds.
  if (has_images || !entries.folders.empty()) return DatasetKind::image_folder;
  for (const std::string& name : entries.files) {
    if (name.ends_with(".npz")) {
      fail("{} is a folder of archives: give the path of one, such as {}", path.string(), (path / name).string());
    }
  }
  fail("{} holds no images: expected {}", path.string(), supported_kinds);
}

DatasetKind kind_of_file(const fs::path& path) {
  const InputFile file(path);
  const std::string header = file.read_at(0, std::min<std::uint64_t>(file.size(), 512));
  const std::string start = header.substr(0, 4);
  const std::string name = path.filename().string();
  using namespace std::string_view_literals;
  if (name.ends_with(".npz")) return DatasetKind::npz;
  if (start.starts_with("PK\3\4"sv)) return is_image_archive(path) ? DatasetKind::archives : DatasetKind::npz;
  if (name.ends_with(".tar") || looks_like_tar(header)) return DatasetKind::archives;
  require(!name.ends_with(".tar.gz") && !name.ends_with(".tgz"), ErrorKind::unsupported,
          "{} is packed with gzip, which can't be read at random; unpack it to a .tar first", path.string());
  if (is_idx_file_name(name) || start == "\0\0\x08\x03"sv || start.starts_with("\x1f\x8b"sv)) return DatasetKind::idx;
  if (name.ends_with(".bin")) return DatasetKind::cifar;
  require(!is_image_file_name(name), "{} is a single image: give the folder it is in", path.string());
  fail("{} is of no supported kind: expected {}", path.string(), supported_kinds);
}

DatasetKind kind_of(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  require(fs::exists(status), "there is no data set at {}: {}", path.string(),
          error ? error.message() : "no such file or folder");
  return fs::is_directory(status) ? kind_of_folder(path) : kind_of_file(path);
}

}  // namespace

bool has_test_split(const fs::path& path) {
  const DatasetKind kind = kind_of(path);
  if (kind == DatasetKind::npz) return npz_has_test_split(path);
  if (kind == DatasetKind::archives) return archives_have_test_split(path);
  if (!is_folder(path)) return false;
  if (kind == DatasetKind::idx) return idx_folder_has_test_split(path);
  if (kind == DatasetKind::cifar) return cifar_folder_has_test_split(path);
  return find_split_folders(without_wrappers(path)).has_value();
}

std::shared_ptr<const Dataset> open_dataset(const fs::path& path, const DatasetOptions& options) {
  check_dataset_options(options);
  switch (kind_of(path)) {
    case DatasetKind::idx:
      return open_idx(path, options);
    case DatasetKind::cifar:
      return open_cifar(path, options);
    case DatasetKind::npz:
      return open_npz_dataset(path, options);
    case DatasetKind::archives:
      return open_archives(path, options);
    case DatasetKind::image_folder:
      break;
  }
  return open_image_folder(path, options);
}

}  // namespace iddpm
