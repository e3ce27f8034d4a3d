#include <algorithm>
#include <cstddef>
#include <cstring>
#include <regex>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/data/detect.h"
#include "iddpm/data/fit_image.h"
#include "iddpm/data/folder_listing.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/input_file.h"

namespace iddpm {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t side = 32;
constexpr std::size_t image_bytes = 3 * side * side;
constexpr std::uintmax_t largest_cifar_file = std::uintmax_t{1} << 31;
constexpr std::uintmax_t largest_names_file = 1 << 20;

/// One of the two formats: records of label bytes, of which the last counts, and 3 x 32 x 32 values.
struct CifarFormat {
  const char* name;
  std::size_t label_bytes;
  std::int64_t classes;
  const char* names_file;
  std::vector<std::string> default_names;

  std::size_t record_bytes() const { return label_bytes + image_bytes; }
};

CifarFormat cifar_10() {
  return {"CIFAR-10",
          1,
          10,
          "batches.meta.txt",
          {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}};
}

CifarFormat cifar_100() {
  std::vector<std::string> numbers;
  for (int i = 0; i < 100; ++i) numbers.push_back(std::to_string(i));
  return {"CIFAR-100", 2, 100, "fine_label_names.txt", numbers};
}

bool is_training_batch_of_10(const std::string& name) {
  if (!name.starts_with("data_batch_")) return false;
  static const std::regex pattern(R"(data_batch_[0-9]{1,3}\.bin)");
  return std::regex_match(name, pattern);
}

bool is_cifar_10_name(const std::string& name) { return is_training_batch_of_10(name) || name == "test_batch.bin"; }
bool is_cifar_100_name(const std::string& name) { return name == "train.bin" || name == "test.bin"; }

/// The names in the text file beside the images, one a line; if there is none, the well-known ones.
std::vector<std::string> read_class_names(const fs::path& folder, const CifarFormat& format) {
  const fs::path path = folder / format.names_file;
  if (!is_file(path)) return format.default_names;
  const std::string text = read_file(path, largest_names_file);
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) names.push_back(std::move(line));
    begin = end + 1;
  }
  require(static_cast<std::int64_t>(names.size()) == format.classes,
          "{}: expected {} class names, one a line, found {}", path.string(), format.classes, names.size());
  return names;
}

std::int64_t count_records(const InputFile& file, const CifarFormat& format) {
  require(file.size() > 0 && file.size() <= largest_cifar_file && file.size() % format.record_bytes() == 0,
          ErrorKind::damaged_file, "{} is not a whole {} file: expected a multiple of {} bytes, found {}",
          file.path().string(), format.name, format.record_bytes(), file.size());
  return static_cast<std::int64_t>(file.size() / format.record_bytes());
}

ImagesInMemory read_records(const std::vector<fs::path>& paths, const CifarFormat& format) {
  std::int64_t count = 0;
  std::vector<InputFile> files;
  for (const fs::path& path : paths) {
    files.emplace_back(path);
    count += count_records(files.back(), format);
  }
  ImagesInMemory contents;
  contents.kind = format.name;
  contents.labels_from = "its files";
  contents.source = paths.size() == 1 ? paths.front().string() : paths.front().parent_path().string();
  contents.images = at::empty({count, 3, side, side}, at::kByte);
  contents.labels = at::empty({count}, at::kLong);
  std::uint8_t* image = contents.images.data_ptr<std::uint8_t>();
  std::int64_t* label = contents.labels.data_ptr<std::int64_t>();
  for (const InputFile& file : files) {
    const std::string bytes = file.read_at(0, file.size());
    for (std::size_t offset = 0; offset < bytes.size(); offset += format.record_bytes()) {
      *label = static_cast<unsigned char>(bytes[offset + format.label_bytes - 1]);
      require(*label < format.classes, "{}, image {}: its class is {}, but {} has {} classes", file.path().string(),
              offset / format.record_bytes(), *label, format.name, format.classes);
      std::memcpy(image, bytes.data() + offset + format.label_bytes, image_bytes);
      ++label;
      image += image_bytes;
    }
  }
  return contents;
}

/// The training batches in the order of their numbers.
std::vector<fs::path> training_batches(const fs::path& folder) {
  std::vector<std::pair<int, fs::path>> batches;
  for (const std::string& name : list_folder(folder).files) {
    if (is_training_batch_of_10(name)) batches.emplace_back(std::stoi(name.substr(name.rfind('_') + 1)), folder / name);
  }
  std::sort(batches.begin(), batches.end());
  std::vector<fs::path> paths;
  for (const auto& [number, path] : batches) {
    const int expected = static_cast<int>(paths.size()) + 1;
    require(number == expected, "{} lacks data_batch_{}.bin, but has {}", folder.string(), expected,
            path.filename().string());
    paths.push_back(path);
  }
  return paths;
}

/// The files of a split of the folder, and their format.
std::pair<std::vector<fs::path>, CifarFormat> files_of_split(const fs::path& folder, const std::string& split) {
  const std::vector<fs::path> batches = training_batches(folder);
  const bool is_10 = !batches.empty() || is_file(folder / "test_batch.bin");
  const CifarFormat format = is_10 ? cifar_10() : cifar_100();
  if (is_10 && split == "train") {
    require(!batches.empty(), "{} has no train split: expected data_batch_1.bin to data_batch_5.bin", folder.string());
    return {batches, format};
  }
  const fs::path file = folder / (is_10 ? "test_batch.bin" : split + ".bin");
  require(is_file(file), "{} has no {} split: expected {}", folder.string(), split, file.filename().string());
  return {{file}, format};
}

CifarFormat format_of_file(const fs::path& path) {
  const std::string name = path.filename().string();
  if (is_cifar_10_name(name)) return cifar_10();
  if (is_cifar_100_name(name)) return cifar_100();
  const std::uint64_t size = InputFile(path).size();
  if (size > 0 && size % cifar_10().record_bytes() == 0) return cifar_10();
  if (size > 0 && size % cifar_100().record_bytes() == 0) return cifar_100();
  fail(ErrorKind::damaged_file,
       "{} is not a CIFAR file: expected a multiple of {} bytes (CIFAR-10) or {} bytes (CIFAR-100), found {}",
       path.string(), cifar_10().record_bytes(), cifar_100().record_bytes(), size);
}

}  // namespace

bool is_cifar_folder(const fs::path& folder) {
  const std::vector<std::string> files = list_folder(folder).files;
  return std::any_of(files.begin(), files.end(),
                     [](const std::string& name) { return is_cifar_10_name(name) || is_cifar_100_name(name); });
}

bool cifar_folder_has_test_split(const fs::path& folder) {
  return is_file(folder / "test_batch.bin") || is_file(folder / "test.bin");
}

std::shared_ptr<const Dataset> open_cifar(const fs::path& path, const DatasetOptions& options) {
  check_dataset_options(options);
  if (is_folder(path)) {
    auto [files, format] = files_of_split(path, options.split.value_or("train"));
    ImagesInMemory contents = read_records(files, format);
    contents.class_names = read_class_names(path, format);
    contents.split = options.split.value_or("train");
    return fitted_dataset(std::move(contents), options);
  }
  if (options.split) {
    const std::string split = path.filename().string().starts_with("test") ? "test" : "train";
    require(split == *options.split, "{} is not the {} split by its name: give its folder instead", path.string(),
            *options.split);
  }
  const CifarFormat format = format_of_file(path);
  ImagesInMemory contents = read_records({path}, format);
  contents.class_names = read_class_names(path.parent_path(), format);
  return fitted_dataset(std::move(contents), options);
}

}  // namespace iddpm
