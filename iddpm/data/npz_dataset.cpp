#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/data/detect.h"
#include "iddpm/data/fit_image.h"
#include "iddpm/io/mapped_npz.h"
#include "iddpm/io/npz.h"

namespace iddpm {

namespace {

namespace fs = std::filesystem;

/// Names under which images and their labels are found, in the order they are looked for.
struct ArrayNames {
  std::vector<std::string> images;
  std::vector<std::string> labels;
};

ArrayNames training_arrays() {
  return {{"arr_0", "images", "x", "data", "x_train", "train_images"},
          {"arr_1", "labels", "y", "label", "y_train", "train_labels"}};
}
ArrayNames test_arrays() { return {{"x_test", "test_images"}, {"y_test", "test_labels"}}; }

constexpr std::int64_t most_classes = 1'000'000;
constexpr double mapped_from_bytes = 256.0 * 1024 * 1024;

const NpzEntry* first_present(const std::vector<NpzEntry>& entries, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto found = std::find_if(entries.begin(), entries.end(), [&](const NpzEntry& e) { return e.name == name; });
    if (found != entries.end()) return &*found;
  }
  return nullptr;
}

bool is_channel_count(std::int64_t extent) { return extent == 1 || extent == 3 || extent == 4; }

/// The side of square images stored as rows of `values` numbers, or 0.
std::int64_t side_of_square(std::int64_t values) {
  const auto side = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(values))));
  return side * side == values ? side : 0;
}

/// Any of the layouts as [N, C, H, W]; nothing if it is none of them.
std::optional<Tensor> as_planes(const Tensor& array) {
  if (array.dim() == 4 && is_channel_count(array.size(3))) return array.permute({0, 3, 1, 2});
  if (array.dim() == 4 && is_channel_count(array.size(1))) return array;
  if (array.dim() == 3) return array.unsqueeze(1);
  if (array.dim() != 2) return std::nullopt;
  const std::int64_t values = array.size(1);
  // Three times a square is never a square, so that one rule at most fits.
  for (const std::int64_t channels : {1, 3}) {
    const std::int64_t side = values % channels == 0 ? side_of_square(values / channels) : 0;
    if (side > 0) return array.view({array.size(0), channels, side, side});
  }
  return std::nullopt;
}

// Read, or where it is large and stored left in its file.
Tensor array_of_images(const fs::path& path, const NpzEntry& entry) {
  double bytes = 1;
  for (const std::int64_t extent : entry.shape) bytes *= static_cast<double>(extent);
  if (bytes >= mapped_from_bytes) {
    if (const std::optional<Tensor> mapped = map_npz_array(path, entry.name)) return *mapped;
  }
  return read_npz(path, {entry.name}).front().second;
}

void read_labels(ImagesInMemory& contents, const Tensor& array, const std::string& name) {
  const std::int64_t count = contents.images.size(0);
  require(at::isIntegralType(array.scalar_type(), false) && array.numel() == count && array.dim() >= 1 &&
              array.size(0) == count,
          "{}: expected array {} to hold {} whole numbers, found {} {}", contents.source, name, count,
          at::toString(array.scalar_type()), format_shape(array.sizes()));
  contents.labels = array.reshape({count}).to(at::kLong);
  if (count == 0) return;
  const auto smallest = contents.labels.min().item<std::int64_t>();
  const auto largest = contents.labels.max().item<std::int64_t>();
  require(smallest >= 0 && largest < most_classes, "{}: expected the labels in {} within 0 to {}, found {} to {}",
          contents.source, name, most_classes - 1, smallest, largest);
  for (std::int64_t i = 0; i <= largest; ++i) contents.class_names.push_back(std::to_string(i));
}

}  // namespace

bool npz_has_test_split(const fs::path& path) {
  const std::vector<NpzEntry> entries = list_npz(path);
  return first_present(entries, test_arrays().images) != nullptr;
}

std::shared_ptr<const Dataset> open_npz_dataset(const fs::path& path, const DatasetOptions& options) {
  check_dataset_options(options);
  const std::vector<NpzEntry> entries = list_npz(path);
  const bool test = options.split == "test";
  const ArrayNames names = test ? test_arrays() : training_arrays();
  const NpzEntry* images = first_present(entries, names.images);
  if (images == nullptr) {
    fail("{} has no array of {}images: expected {}", path.string(), test ? "test " : "", fmt::join(names.images, ", "));
  }
  require(images->problem.empty(), ErrorKind::unsupported, "{}", images->problem);
  require(images->type == at::kByte, "{}: expected array {} to be uint8, found {}", path.string(), images->name,
          at::toString(images->type));
  const NpzEntry* labels = options.labels == LabelSource::none ? nullptr : first_present(entries, names.labels);

  ImagesInMemory contents;
  contents.source = path.string();
  contents.kind = "npz archive";
  if (first_present(entries, test_arrays().images) != nullptr) {
    contents.split = test ? "test" : "train";
  } else if (options.split) {
    contents.split = "train, which is all of it: there is no test split";
  }
  const std::optional<Tensor> planes = as_planes(array_of_images(path, *images));
  require(planes.has_value(),
          "{}: expected array {} to be [N, H, W, C], [N, C, H, W], [N, H, W] or rows of square images, found {}",
          path.string(), images->name, format_shape(images->shape));
  contents.images = *planes;
  if (labels != nullptr && !labels->problem.empty()) {
    contents.labels_from = fmt::format("array {} doesn't hold whole numbers", labels->name);
  } else if (labels != nullptr) {
    contents.labels_from = "array " + labels->name;
    read_labels(contents, read_npz(path, {labels->name}).front().second, labels->name);
  }
  return fitted_dataset(std::move(contents), options);
}

}  // namespace iddpm
