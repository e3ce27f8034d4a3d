#include <algorithm>
#include <cctype>
#include <cstddef>
#include <regex>
#include <span>
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

/// Reads an IDX file: a big-endian magic number (0, 0, type, number of dimensions), the dimensions, then the values.
/// Uint8, of the dimensions' shape. Memory is taken only for what the file can hold.
Tensor read_idx(const fs::path& path, std::uint32_t magic) {
  MaybeGzipFile file(path);
  const auto read = [&](std::size_t count) {
    std::string bytes(count, '\0');
    const std::size_t found = file.read_some(std::as_writable_bytes(std::span(bytes)));
    require(found == count, ErrorKind::damaged_file, "{} is truncated within its header", path.string());
    return bytes;
  };
  const std::uint64_t found = big_endian(read(4), 0);
  require(found == magic, "{} is not an IDX file of {}: expected to begin with {:#010x}, found {:#010x}", path.string(),
          magic == images_magic ? "images" : "labels", magic, found);
  const std::size_t dimensions = magic & 0xFF;
  const std::string extents = read(4 * dimensions);
  std::vector<std::int64_t> shape;
  std::uint64_t claimed = 1;
  for (std::size_t i = 0; i < dimensions; ++i) {
    const std::uint64_t extent = big_endian(extents, 4 * i);
    shape.push_back(static_cast<std::int64_t>(extent));
    // Beyond this no file matches; the product of three 32-bit numbers might overflow.
    claimed = extent == 0 ? 0 : std::min(claimed, largest_idx_file) * extent;
  }
  require(claimed > 0, "{} holds no {}: its shape is {}", path.string(), magic == images_magic ? "images" : "labels",
          format_shape(shape));
  const std::uint64_t header_size = 4 + 4 * dimensions;
  const std::uint64_t most = std::min(file.most_bytes() - std::min(file.most_bytes(), header_size), largest_idx_file);
  const bool possible = file.is_packed() ? claimed <= most : claimed == most;
  require(possible, ErrorKind::damaged_file, "{} claims {} values ({}), but {}{} follow its header", path.string(),
          claimed, format_shape(shape), file.is_packed() ? "at most " : "", most);
  const Tensor values = at::empty(shape, at::kByte);
  const std::size_t read_values = file.read_some(std::span(static_cast<std::byte*>(values.data_ptr()), claimed));
  std::byte more;
  const bool goes_on = read_values == claimed && file.read_some(std::span(&more, 1)) > 0;
  require(read_values == claimed && !goes_on, ErrorKind::damaged_file,
          "{} claims {} values ({}), but {} follow its header", path.string(), claimed, format_shape(shape),
          goes_on ? "more" : fmt::format("{}", read_values));
  return values;
}

/// The parts of a name of the MNIST family, "train-images-idx3-ubyte.gz" or "emnist-letters-test-images-idx3-ubyte".
struct IdxName {
  std::string before;  ///< "train-"
  std::string split;   ///< "train" or "test"
  std::string after;   ///< "-ubyte"
};

std::optional<IdxName> parse_images_name(const std::string& name) {
  // A regular expression for each of a million names of images would take seconds.
  if (name.find("idx3") == std::string::npos) return std::nullopt;
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
  const Tensor values = read_idx(labels, labels_magic);
  const std::int64_t count = contents.images.size(0);
  require(values.size(0) == count, "{} holds {} labels, but {} holds {} images", labels.string(), values.size(0),
          images.string(), count);
  contents.labels = values.to(at::kLong);
  const auto largest = contents.labels.max().item<std::int64_t>();
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
  contents.kind = "IDX file";
  const Tensor values = read_idx(images, images_magic);
  contents.images = values.unsqueeze(1);
  if (in_folder) contents.split = options.split.value_or("train");
  const auto labels = labels_beside(images);
  if (labels && options.labels != LabelSource::none) {
    read_labels(contents, images, *labels);
    contents.labels_from = labels->filename().string();
  }
  return fitted_dataset(std::move(contents), options);
}

}  // namespace iddpm
