// Drawing images.

#include <cstring>

#include "capi/last_error.h"
#include "capi/sample_request.h"
#include "iddpm/io/pixels.h"
#include "iddpm/kernels/cpu/thread_scope.h"
#include "iddpm/model/draw.h"

namespace iddpm::capi {
namespace {

// uint8 [N, H, W, C] on the CPU.
Tensor bytes_of(const Tensor& images) { return to_pixels(images).permute({0, 2, 3, 1}).contiguous(); }

std::size_t image_bytes(const Model& model) {
  return static_cast<std::size_t>(c10::multiply_integers(model.image_shape()));
}

/// Where images go, how many there are so far, and who is told.
struct Output {
  std::uint8_t* pixels;
  std::size_t size;
  std::int64_t* drawn;
  iddpm_callback callback;
  void* user_data;
};

void check_output(const Output& output, const Model& model, const DrawRequest& request) {
  require_given(output.pixels, "pixels");
  const std::size_t needed = static_cast<std::size_t>(request.count) * image_bytes(model);
  if (output.size == needed) return;
  throw CallError(output.size < needed ? IDDPM_BUFFER_TOO_SMALL : IDDPM_BAD_INPUT,
                  fmt::format("pixels: expected {} bytes for {} images of {} bytes, got {}", needed, request.count,
                              image_bytes(model), output.size));
}

void tell(const Output& output, const SampleRequest& request, const DrawingStep& step) {
  Tensor preview;
  // What isn't finite ends the drawing later, with a sentence; a preview need not.
  if (request.preview) preview = bytes_of(at::nan_to_num(step.x_0.to(at::kCPU, at::kFloat)));
  const std::int64_t images = step.x.size(0);
  const iddpm_progress progress{.done = step.position * step.steps + images * step.step,
                                .total = request.draw.count * step.steps,
                                .first = step.position,
                                .images = images,
                                .step = step.step,
                                .steps = step.steps,
                                .preview = preview.defined() ? preview.data_ptr<std::uint8_t>() : nullptr,
                                .preview_size = preview.defined() ? static_cast<std::size_t>(preview.numel()) : 0};
  if (output.callback(&progress, output.user_data) != 0) throw Interrupted("interrupted by the callback");
}

void sample(const iddpm_model* handle, const char* json, const InputImages& input, const Output& output) {
  if (output.drawn != nullptr) *output.drawn = 0;
  const auto opened = find_model(handle);
  const kernels::ThreadScope threads(opened->threads);
  const SampleRequest request = sample_request(json, *opened, input);
  check_output(output, opened->model, request.draw);
  if (request.preview && output.callback == nullptr) {
    throw CallError(IDDPM_BAD_INPUT, "request: 'preview' without a callback to show it; expected one");
  }
  std::function<void(const DrawingStep&)> on_step;
  if (output.callback != nullptr) on_step = [&](const DrawingStep& step) { tell(output, request, step); };
  draw(
      opened->model, request.draw,
      [&](const DrawnBatch& batch) {
        const Tensor bytes = bytes_of(batch.images);
        std::memcpy(output.pixels + static_cast<std::size_t>(batch.position) * image_bytes(opened->model),
                    bytes.data_ptr<std::uint8_t>(), static_cast<std::size_t>(bytes.numel()));
        if (output.drawn != nullptr) *output.drawn = batch.position + bytes.size(0);
      },
      {}, on_step);
}

}  // namespace
}  // namespace iddpm::capi

using namespace iddpm::capi;

iddpm_status iddpm_sample(const iddpm_model* model, const char* request, uint8_t* pixels, size_t size, int64_t* drawn,
                          iddpm_callback callback, void* user_data) {
  return guarded([&] { sample(model, request, {}, {pixels, size, drawn, callback, user_data}); });
}

iddpm_status iddpm_sample_from(const iddpm_model* model, const char* request, const uint8_t* input, size_t input_size,
                               uint8_t* pixels, size_t size, int64_t* drawn, iddpm_callback callback, void* user_data) {
  return guarded([&] {
    require_given(input, "input");
    sample(model, request, {input, input_size}, {pixels, size, drawn, callback, user_data});
  });
}

iddpm_status iddpm_sample_labels(const iddpm_model* model, const char* request, int64_t* labels, int64_t count) {
  return guarded([&] {
    const auto opened = find_model(model);
    require_given(labels, "labels");
    const iddpm::DrawRequest draw = sample_request(request, *opened, {}).draw;
    iddpm::require(opened->model.has_classes(), "labels: this model has no classes (it is unconditional)");
    iddpm::require(count == draw.count, "labels: expected {} places, one for each image, got {}", draw.count, count);
    const std::vector<std::int64_t> all = iddpm::labels_of(draw, opened->model.settings(), 0, count);
    std::copy(all.begin(), all.end(), labels);
  });
}
