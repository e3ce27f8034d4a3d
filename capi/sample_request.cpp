#include "capi/sample_request.h"

#include "capi/json_arguments.h"
#include "capi/last_error.h"
#include "iddpm/core/quote.h"
#include "iddpm/evaluation/likelihood/chosen_timesteps.h"
#include "iddpm/io/pixels.h"
#include "iddpm/model/low_resolution.h"

namespace iddpm::capi {
namespace {

Guidance guidance_from(JsonArguments& arguments, const OpenModel& opened) {
  std::optional<double> scale;
  std::vector<double> interval;
  std::optional<std::string> guide, classifier;
  double classifier_scale = 1.0;
  arguments.read("guidance", scale);
  arguments.read("guidance_interval", interval);
  arguments.read("guide", guide);
  arguments.read("classifier", classifier);
  arguments.read("classifier_scale", classifier_scale);
  require(scale || (!guide && interval.empty()),
          "request: 'guide' and 'guidance_interval' do nothing without "
          "'guidance'; expected how closely the class is followed, a number such as 2");
  require(classifier || !arguments.has("classifier_scale"),
          "request: 'classifier_scale' does nothing without "
          "'classifier'; expected the path of one");
  require(!scale || !classifier, "request: 'classifier' beside 'guidance'; expected one of them");
  if (classifier) {
    return ClassifierGuidance{.classifier = TrainedClassifier::open(*classifier, opened.model.device()),
                              .scale = classifier_scale};
  }
  if (!scale) return {};
  ModelGuidance guidance{.options = {.scale = *scale}};
  if (!interval.empty()) {
    require(interval.size() == 2, "request, 'guidance_interval': expected [LOW, HIGH], got {} numbers",
            interval.size());
    guidance.options.least = interval[0];
    guidance.options.greatest = interval[1];
  }
  if (guide) guidance.guide = Model::open(*guide, opened.options);
  return guidance;
}

std::optional<DataStart> start_from(JsonArguments& arguments, const Model& model) {
  std::string start = "noise";
  arguments.read("start", start);
  require(start == "noise" || start == "data", "request, 'start': expected noise or data, got {}", quote(start));
  if (start == "noise") return std::nullopt;
  const PixelStatistics& pixels = model.info().data_pixels;
  require(!pixels.empty(), "request, 'start': '{}' doesn't say what its training images look like",
          model.path().string());
  return start_at(pixels);
}

void read_input(JsonArguments& arguments, const Model& model, const InputImages& input, DrawRequest& request) {
  const bool enlarges = model.settings().network.super_resolution;
  double strength = ImageEdit{}.strength;
  if (input.pixels != nullptr && !enlarges) arguments.read("strength", strength);
  if (input.pixels == nullptr) return;
  const std::vector<std::int64_t> shape = input_shape(model.settings());
  const auto image_bytes = static_cast<std::size_t>(c10::multiply_integers(shape));
  if (input.size == 0 || input.size % image_bytes != 0) {
    throw CallError(IDDPM_BAD_INPUT, fmt::format("input: expected whole images {} of {} bytes, got {} bytes",
                                                 format_shape(shape), image_bytes, input.size));
  }
  const Tensor images = images_from(input.pixels, static_cast<std::int64_t>(input.size / image_bytes), shape);
  if (enlarges) {
    request.low_resolution = images;
  } else {
    request.edit = ImageEdit{.images = images, .strength = strength};
  }
}

}  // namespace

std::vector<std::int64_t> input_shape(const ModelSettings& settings) {
  const UNetOptions& network = settings.network;
  if (!network.super_resolution) return {network.image_height, network.image_width, network.image_channels};
  const std::vector<std::int64_t> shape = low_resolution_shape(network);
  return {shape[1], shape[2], shape[0]};
}

Tensor images_from(const std::uint8_t* pixels, std::int64_t count, const std::vector<std::int64_t>& shape) {
  const Tensor bytes = at::empty({count, shape[0], shape[1], shape[2]}, at::kByte);
  std::copy_n(pixels, bytes.numel(), bytes.data_ptr<std::uint8_t>());
  return from_pixels(bytes.permute({0, 3, 1, 2}).contiguous());
}

SampleRequest sample_request(const char* json, const OpenModel& opened, const InputImages& input) {
  const Model& model = opened.model;
  JsonArguments arguments(json, "request");
  SampleRequest request;
  DrawRequest& draw = request.draw;
  arguments.read("count", draw.count, std::int64_t{1}, std::int64_t{100'000'000});
  arguments.read("first", draw.first);
  arguments.read("seed", draw.seed);
  std::vector<std::string> classes;
  arguments.read_texts("classes", classes);
  for (const std::string& name : classes) draw.classes.classes.push_back(class_index(model.settings(), name));
  arguments.read("sampler", draw.sampler);
  visit_sampler_options(draw.sampler_options,
                        [&](const char* name, auto& value, const char*) { arguments.read(name, value); });
  arguments.read_text("steps", draw.steps);
  draw.guidance = guidance_from(arguments, opened);
  draw.start = start_from(arguments, model);
  arguments.read("batch", draw.batch, std::int64_t{1}, std::int64_t{1} << 20);
  arguments.read("memory", draw.memory);
  arguments.read("preview", request.preview);
  read_input(arguments, model, input, draw);
  arguments.finish();
  draw.timesteps =
      chosen_timesteps(model, draw.steps.value_or(default_steps(draw.sampler, model.settings().diffusion.steps)));
  return request;
}

}  // namespace iddpm::capi
