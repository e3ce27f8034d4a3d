#include "iddpm/evaluation/features/feature_classifier.h"

#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/io/pixels.h"
#include "iddpm/version.h"

namespace iddpm {
namespace {

using nlohmann::json;

constexpr const char* metadata_key = "iddpm_feature_classifier";
constexpr std::int64_t classifier_format = 1;

json record_of(const FeatureClassifierOptions& options) {
  return {{"image_height", options.image_height},
          {"image_width", options.image_width},
          {"image_channels", options.image_channels},
          {"classes", options.classes},
          {"channels", options.channels}};
}

FeatureClassifierOptions options_from(const json& value) {
  const JsonRecord record(value, "options", {"image_height", "image_width", "image_channels", "classes", "channels"});
  FeatureClassifierOptions read;
  record.read("image_height", read.image_height);
  record.read("image_width", read.image_width);
  record.read("image_channels", read.image_channels);
  record.read("classes", read.classes);
  record.read("channels", read.channels);
  return read;
}

json record_of(const FeatureClassifierRecord& record) {
  return {{"class_names", record.class_names},
          {"source", record.source},
          {"steps", record.steps},
          {"seed", record.seed},
          {"accuracy", record.accuracy},
          {"accuracy_images", record.accuracy_images},
          {"test_set", record.test_set}};
}

FeatureClassifierRecord classifier_record_from(const json& value) {
  const JsonRecord record(value, "training",
                          {"class_names", "source", "steps", "seed", "accuracy", "accuracy_images", "test_set"});
  FeatureClassifierRecord read;
  record.read("class_names", read.class_names);
  record.read("source", read.source);
  record.read("steps", read.steps);
  record.read("seed", read.seed);
  record.read("accuracy", read.accuracy);
  record.read("accuracy_images", read.accuracy_images);
  record.read("test_set", read.test_set);
  return read;
}

NamedTensors weights_of(const FeatureClassifierNetwork& network) {
  NamedTensors weights;
  for (const auto& [name, parameter] : network.parameters()) {
    weights.emplace_back(name, parameter.detach().to(at::kCPU).contiguous());
  }
  return weights;
}

// A network with the file's weights, each checked against what the options ask for before any memory is taken.
FeatureClassifierNetwork network_from(const SafetensorsFile& file, const FeatureClassifierOptions& options) {
  const NamedShapes expected = shapes(FeatureClassifierNetwork(options, ParameterStore::shapes_only()).parameters());
  for (const auto& [name, shape] : expected) {
    require(file.contains(name), "the weight {} is missing", name);
    require(file.type(name) == at::kFloat && file.shape(name) == shape,
            "expected {} of type Float and shape {}, got {} {}", name, format_shape(shape),
            at::toString(file.type(name)), format_shape(file.shape(name)));
  }
  require(file.names().size() == expected.size(), "expected {} weights, got {}", expected.size(), file.names().size());
  file.require_memory_for_all();
  NamedParameters weights;
  for (const auto& [name, shape] : expected) {
    weights.emplace_back(name, file.tensor(name));
    require(weights.back().second.isfinite().all().item<bool>(), "expected finite numbers in {}", name);
  }
  FeatureClassifierNetwork network(options, ParameterStore(0));
  load_parameters(network.parameters(), weights, "weights");
  return network;
}

}  // namespace

FeatureClassifier::FeatureClassifier(FeatureClassifierNetwork network, FeatureClassifierRecord record)
    : network_(std::move(network)), record_(std::move(record)) {
  require(static_cast<std::int64_t>(record_.class_names.size()) == options().classes,
          "feature classifier: expected {} class names, got {}", options().classes, record_.class_names.size());
  for (const auto& [name, parameter] : network_.parameters()) Tensor(parameter).set_requires_grad(false);
  space_ = {.network = fmt::format("classifier of {}", record_.source),
            .sha256 = sha256_of_tensors(weights_of(network_)),
            .dimensions = options().features(),
            .is_fid = false};
}

Features FeatureClassifier::features(const Tensor& images) const {
  const FeatureClassifierOptions& size = options();
  require(images.dim() == 4 && images.size(1) == size.image_channels && images.size(2) == size.image_height &&
              images.size(3) == size.image_width,
          "the {} takes images [N, {}, {}, {}], got {}", space_.network, size.image_channels, size.image_height,
          size.image_width, format_shape(images.sizes()));
  const at::NoGradGuard no_gradients;
  const at::Device device = network_.parameters().front().second.device();
  const FeatureClassifierNetwork::Output output = network_(from_pixels(images.to(device)));
  return {.pooled = output.features, .spatial = {}, .probabilities = output.logits.softmax(1)};
}

FeatureClassifier FeatureClassifier::to(at::Device device) const {
  FeatureClassifierNetwork network(options(), ParameterStore(0));
  load_parameters(network.parameters(), weights_of(network_), "weights");
  move_parameters(network.parameters(), at::kFloat, device);
  return FeatureClassifier(std::move(network), record_);
}

void FeatureClassifier::save(const std::filesystem::path& path) const {
  const json about = {{"format", classifier_format},
                      {"version", version},
                      {"options", record_of(options())},
                      {"training", record_of(record_)}};
  // Names of files and folders need not be UTF-8, which JSON must be.
  const std::string text = about.dump(-1, ' ', false, json::error_handler_t::replace);
  write_safetensors(path, weights_of(network_), {{metadata_key, text}});
}

bool FeatureClassifier::is_classifier(const SafetensorsFile& file) { return file.metadata().contains(metadata_key); }

FeatureClassifier FeatureClassifier::load(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  try {
    require(is_classifier(file), "expected the field {} in its metadata, got none", metadata_key);
    const json about = parse_json(file.metadata().at(metadata_key), metadata_key);
    const JsonRecord record(about, metadata_key, {"format", "version", "options", "training"});
    require(record.get<std::int64_t>("format") == classifier_format, "expected format {}, got {}", classifier_format,
            record.get<std::int64_t>("format"));
    const FeatureClassifierOptions options = options_from(record.raw("options"));
    check_options(options);
    return FeatureClassifier(network_from(file, options), classifier_record_from(record.raw("training")));
  } catch (const Error& error) {
    fail(error.kind(), "{}: no feature classifier: {}", path.string(), error.what());
  }
}

std::string describe(const FeatureClassifier& classifier) {
  const FeatureClassifierOptions& options = classifier.options();
  const FeatureClassifierRecord& record = classifier.record();
  const FeatureSpace space = classifier.space();
  std::string text = fmt::format("features     {}, {} dimensions (SHA-256 {})\n", space.network, space.dimensions,
                                 space.sha256.substr(0, 12));
  text += fmt::format("images       {} x {}, {} channel{}, {} classes\n", options.image_height, options.image_width,
                      options.image_channels, options.image_channels == 1 ? "" : "s", options.classes);
  text += fmt::format("training     {} steps, seed {}\n", record.steps, record.seed);
  return text + fmt::format("accuracy     {:.2f} % of {} {} images\n", 100.0 * record.accuracy, record.accuracy_images,
                            record.test_set ? "test" : "held-out");
}

}  // namespace iddpm
