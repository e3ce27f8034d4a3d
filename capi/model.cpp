// Opening, describing and freeing models.

#include "iddpm/model/model.h"

#include <algorithm>
#include <string>

#include "capi/json_arguments.h"
#include "capi/last_error.h"
#include "capi/open_models.h"
#include "capi/sample_request.h"
#include "iddpm/version.h"

namespace iddpm::capi {
namespace {

OpenModel opened(const char* path, const char* json) {
  JsonArguments arguments(json, "options");
  std::string device = "auto", precision = "auto";
  WeightChoice weights;
  std::int64_t threads = 0;
  arguments.read("device", device);
  arguments.read("precision", precision);
  arguments.read("raw", weights.raw);
  arguments.read("ema_rate", weights.ema_rate);
  if (arguments.has("threads")) arguments.read("threads", threads, std::int64_t{1}, std::int64_t{1024});
  arguments.finish();
  ModelOptions options{.weights = weights, .device = parse_device(device)};
  if (precision != "auto") options.precision = parse_precision(precision);
  return {.model = Model::open(path, options), .options = options, .threads = static_cast<int>(threads)};
}

std::string description(const Model& model) {
  nlohmann::json json = describe_json(Checkpoint(model.path()));
  json["weights"] = model.weights();
  json["device"] = model.device().str();
  json["precision"] = name(model.precision());
  // Names of files and folders need not be UTF-8, which JSON must be.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void write_text(const std::string& whole, char* text, size_t size, size_t* needed) {
  const std::size_t all = whole.size() + 1;
  if (needed != nullptr) *needed = all;
  if (text == nullptr && size == 0) return;
  require_given(text, "text");
  if (size > 0) {
    const std::size_t fitting = std::min(all, size) - 1;
    std::copy_n(whole.data(), fitting, text);
    text[fitting] = '\0';
  }
  if (size < all) {
    throw CallError(IDDPM_BUFFER_TOO_SMALL, fmt::format("text: expected room for {} bytes, got {}", all, size));
  }
}

}  // namespace
}  // namespace iddpm::capi

using namespace iddpm::capi;

const char* iddpm_version(void) { return iddpm::version; }

iddpm_status iddpm_model_open(const char* path, const char* options, iddpm_model** model) {
  return guarded([&] {
    require_given(model, "model");
    *model = nullptr;
    require_given(path, "path");
    *model = add_model(std::make_shared<const OpenModel>(opened(path, options)));
  });
}

iddpm_status iddpm_model_free(iddpm_model* model) {
  return guarded([&] {
    if (model != nullptr) remove_model(model);
  });
}

iddpm_status iddpm_model_describe(const iddpm_model* model, char* text, size_t size, size_t* needed) {
  return guarded([&] { write_text(description(find_model(model)->model), text, size, needed); });
}

iddpm_status iddpm_model_image_size(const iddpm_model* model, iddpm_image_size* size) {
  return guarded([&] {
    require_given(size, "size");
    const iddpm::ModelSettings& settings = find_model(model)->model.settings();
    const std::vector<std::int64_t> input = input_shape(settings);
    *size = {.height = settings.network.image_height,
             .width = settings.network.image_width,
             .channels = settings.network.image_channels,
             .classes = settings.network.classes,
             .input_height = input[0],
             .input_width = input[1]};
  });
}
