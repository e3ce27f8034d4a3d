// The likelihood of images.

#include "iddpm/evaluation/likelihood/likelihood.h"

#include <algorithm>

#include "capi/json_arguments.h"
#include "capi/last_error.h"
#include "capi/open_models.h"
#include "iddpm/kernels/cpu/thread_scope.h"

namespace iddpm::capi {
namespace {

LikelihoodOptions likelihood_options(const char* json) {
  JsonArguments arguments(json, "options");
  LikelihoodOptions options;
  std::optional<std::string> steps;
  arguments.read_text("steps", steps);
  arguments.read("seed", options.seed);
  arguments.read("batch", options.batch, std::int64_t{1}, std::int64_t{1} << 20);
  arguments.finish();
  options.steps = steps.value_or("");
  return options;
}

/// Images that a caller passes.
struct LabelledBytes {
  const std::uint8_t* pixels;
  std::size_t size;
  const std::int64_t* labels;
  std::int64_t count;
};

// The images and labels, copied.
std::shared_ptr<const Dataset> dataset_of(const LabelledBytes& images, const ModelSettings& settings) {
  const UNetOptions& network = settings.network;
  const std::int64_t image = network.image_height * network.image_width * network.image_channels;
  constexpr std::int64_t most = std::int64_t{1} << 32;
  require(images.count >= 1 && images.count <= most, "count: expected 1 to {} images, got {}", most, images.count);
  const auto needed = static_cast<std::size_t>(images.count) * static_cast<std::size_t>(image);
  require(images.size == needed, "pixels: expected {} bytes for {} images of {} bytes, got {}", needed, images.count,
          image, images.size);
  require((images.labels != nullptr) == (network.classes > 0), "labels: {}",
          network.classes > 0
              ? fmt::format("this model has {} classes; expected one for each image, got null", network.classes)
              : "this model has no classes (it is unconditional); expected null");
  const Tensor bytes =
      at::empty({images.count, network.image_height, network.image_width, network.image_channels}, at::kByte);
  std::copy_n(images.pixels, bytes.numel(), bytes.data_ptr<std::uint8_t>());
  ImagesInMemory contents{.images = bytes.permute({0, 3, 1, 2}), .labels = {}, .class_names = {}, .source = "pixels"};
  if (network.classes > 0) {
    contents.labels = at::empty({images.count}, at::kLong);
    std::copy_n(images.labels, images.count, contents.labels.data_ptr<std::int64_t>());
    contents.class_names = settings.class_names;
    for (std::int64_t k = static_cast<std::int64_t>(contents.class_names.size()); k < network.classes; ++k) {
      contents.class_names.push_back(std::to_string(k));
    }
  }
  return in_memory_dataset(std::move(contents));
}

}  // namespace
}  // namespace iddpm::capi

using namespace iddpm::capi;

iddpm_status iddpm_likelihood(const iddpm_model* model, const char* options, const uint8_t* pixels, size_t size,
                              const int64_t* labels, double* bits, int64_t count, iddpm_callback callback,
                              void* user_data) {
  return guarded([&] {
    const auto opened = find_model(model);
    require_given(pixels, "pixels");
    require_given(bits, "bits");
    const iddpm::kernels::ThreadScope threads(opened->threads);
    const auto dataset = dataset_of({pixels, size, labels, count}, opened->model.settings());
    iddpm::ProgressCallback progress;
    if (callback != nullptr) {
      progress = [&](std::int64_t done, std::int64_t total) {
        iddpm_progress told{};
        told.done = done;
        told.total = total;
        if (callback(&told, user_data) != 0) throw iddpm::Interrupted("interrupted by the callback");
      };
    }
    const iddpm::BitsPerDimension measured =
        measure_likelihood(opened->model, *dataset, likelihood_options(options), progress).bits;
    iddpm::require(static_cast<std::int64_t>(measured.per_image.size()) == count, iddpm::ErrorKind::not_finite,
                   "likelihood: that of {} of {} images isn't finite, the first {}", measured.not_finite.size(), count,
                   measured.not_finite.empty() ? "" : measured.not_finite.front());
    std::copy(measured.per_image.begin(), measured.per_image.end(), bits);
  });
}
