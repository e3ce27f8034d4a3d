#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstring>
#include <regex>
#include <system_error>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/data/detect.h"
#include "iddpm/data/fit_image.h"
#include "iddpm/data/folder_listing.h"
#include "iddpm/io/gzip.h"
#include "iddpm/io/input_file.h"

namespace iddpm {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t largest_idx_file = std::uint64_t{1} << 31;
constexpr std::uint32_t images_magic = 0x0803;  // unsigned bytes, 3 dimensions
constexpr std::uint32_t labels_magic = 0x0801;  // unsigned bytes, 1 dimension

std::uint64_t big_endian(const std::string& bytes, std::size_t offset) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
  return value;
}

/// An IDX file: a big-endian magic number (0, 0, type, number of dimensions), the dimensions, then the values.
struct IdxFile {
  std::string bytes;
  std::vector<std::int64_t> shape;

  std::size_t header_size() const { return 4 + 4 * shape.size(); }
  const char* values() const { return bytes.data() + header_size(); }
};

IdxFile read_idx(const fs::path& path, std::uint32_t magic) {
  IdxFile file = {read_maybe_gzip(path, largest_idx_file), {}};
  require(file.bytes.size() >= 4, ErrorKind::damaged_file,
          "{} is truncated: an IDX file begins with 4 bytes, it holds {}", path.string(), file.bytes.size());
  const std::uint64_t found = big_endian(file.bytes, 0);
  require(found == magic, "{} is not an IDX file of {}: expected to begin with {:#010x}, found {:#010x}", path.string(),
          magic == images_magic ? "images" : "labels", magic, found);
  const std::size_t dimensions = magic & 0xFF;
  require(file.bytes.size() >= 4 + 4 * dimensions, ErrorKind::damaged_file, "{} is truncated within its header",
          path.string());
  std::uint64_t expected = 1;
  for (std::size_t i = 0; i < dimensions; ++i) {
    const std::uint64_t extent = big_endian(file.bytes, 4 + 4 * i);
    file.shape.push_back(static_cast<std::int64_t>(extent));
    // Beyond this no file matches; the product of three 32-bit numbers might overflow.
    expected = extent == 0 ? 0 : std::min(expected, largest_idx_file) * extent;
  }
  const std::uint64_t found_values = file.bytes.size() - file.header_size();
  require(found_values == expected, "{} claims {} values ({}), but {} follow its header", path.string(), expected,
          format_shape(file.shape), found_values);
  return file;
}

/// The parts of a name of the MNIST family, "train-images-idx3-ubyte.gz" or "emnist-letters-test-images-idx3-ubyte".
struct IdxName {
  std::string before;  ///< "train-"
  std::string split;   ///< "train" or "test"
  std::string after;   ///< "-ubyte"
};

std::optional<IdxName> parse_images_name(const std::string& name) {
  static const std::regex pattern(R"((.*?(train|t10k|test)-)images([-.])idx3(-ubyte)?(\.gz)?)");
  std::smatch match;
  if (!std::regex_match(name, match, pattern)) return std::nullopt;
  return IdxName{match[1], match[2] == "train" ? "train" : "test", match[4]};
}

/// The labels that go with a file of images: the same name with "labels" and "idx1", packed or not.
std::optional<fs::path> labels_beside(const fs::path& images) {
  const auto name = parse_images_name(images.filename().string());
  if (!name) return std::nullopt;
  for (const char* separator : {"-", "."}) {
    for (const char* packed : {"", ".gz"}) {
      const fs::path candidate =
          images.parent_path() / (name->before + "labels" + separator + "idx1" + name->after + packed);
      if (is_file(candidate)) return candidate;
    }
  }
  return std::nullopt;
}

/// The file of images of a split; of a file and its packed twin, the file.
fs::path images_of_split(const fs::path& folder, const std::string& split) {
  std::vector<std::string> found;
  for (const std::string& file : list_folder(folder).files) {
    const auto name = parse_images_name(file);
    if (name && name->split == split && (found.empty() || file != found.back() + ".gz")) found.push_back(file);
  }
  require(!found.empty(), "{} has no {} split: expected {}-images-idx3-ubyte or {}-images-idx3-ubyte.gz",
          folder.string(), split, split == "train" ? "train" : "t10k", split == "train" ? "train" : "t10k");
  require(found.size() == 1, "{} holds several data sets: give the path of one of its files, such as {}",
          folder.string(), (folder / found.front()).string());
  return folder / found.front();
}

/// Whether the folder's name, or that of the folder it links to, contains "fashion".
bool is_in_folder_of_fashion(const fs::path& images) {
  std::error_code ignored;
  const fs::path folder = fs::absolute(images, ignored).parent_path();
  for (const fs::path& name : {folder.filename(), fs::weakly_canonical(folder, ignored).filename()}) {
    std::string text = name.string();
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    if (text.find("fashion") != std::string::npos) return true;
  }
  return false;
}

std::vector<std::string> names_of_classes(const fs::path& images, std::int64_t largest_label) {
  if (largest_label <= 9 && is_in_folder_of_fashion(images)) {
    return {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"};
  }
  std::vector<std::string> names;
  for (std::int64_t i = 0; i <= std::max<std::int64_t>(largest_label, 9); ++i) names.push_back(std::to_string(i));
  return names;
}

void read_labels(ImagesInMemory& contents, const fs::path& images, const fs::path& labels) {
  const IdxFile file = read_idx(labels, labels_magic);
  const std::int64_t count = contents.images.size(0);
  require(file.shape[0] == count, "{} holds {} labels, but {} holds {} images", labels.string(), file.shape[0],
          images.string(), count);
  contents.labels = at::empty({count}, at::kLong);
  std::int64_t largest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t label = static_cast<unsigned char>(file.values()[i]);
    contents.labels.data_ptr<std::int64_t>()[i] = label;
    largest = std::max(largest, label);
  }
  contents.class_names = names_of_classes(images, largest);
}

}  // namespace

bool is_idx_folder(const fs::path& folder) {
  const std::vector<std::string> files = list_folder(folder).files;
  return std::any_of(files.begin(), files.end(),
                     [](const std::string& name) { return parse_images_name(name).has_value(); });
}

bool is_idx_file_name(const std::string& name) { return parse_images_name(name).has_value(); }

bool idx_folder_has_test_split(const fs::path& folder) {
  const std::vector<std::string> files = list_folder(folder).files;
  return std::any_of(files.begin(), files.end(), [](const std::string& name) {
    const auto parsed = parse_images_name(name);
    return parsed && parsed->split == "test";
  });
}

std::shared_ptr<const Dataset> open_idx(const fs::path& path, const DatasetOptions& options) {
  check_dataset_options(options);
  const bool in_folder = is_folder(path);
  const fs::path images = in_folder ? images_of_split(path, options.split.value_or("train")) : path;
  if (!in_folder && options.split) {
    const auto name = parse_images_name(path.filename().string());
    require(name && name->split == *options.split, "{} is not the {} split by its name: give its folder instead",
            path.string(), *options.split);
  }

  ImagesInMemory contents;
  contents.source = images.string();
  const IdxFile file = read_idx(images, images_magic);
  require(std::all_of(file.shape.begin(), file.shape.end(), [](std::int64_t extent) { return extent > 0; }),
          "{} holds no images: its shape is {}", images.string(), format_shape(file.shape));
  contents.images = at::empty({file.shape[0], 1, file.shape[1], file.shape[2]}, at::kByte);
  std::memcpy(contents.images.data_ptr(), file.values(), static_cast<std::size_t>(contents.images.numel()));
  const auto labels = labels_beside(images);
  if (labels && options.labels != LabelSource::none) read_labels(contents, images, *labels);
  return fitted_dataset(std::move(contents), options);
}

}  // namespace iddpm
