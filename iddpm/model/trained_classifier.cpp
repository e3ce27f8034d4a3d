#include "iddpm/model/trained_classifier.h"

#include <cmath>

#include "iddpm/core/error.h"
#include "iddpm/core/memory_limit.h"
#include "iddpm/core/quote.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/model/checkpoint_format.h"
#include "iddpm/version.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* metadata_key = "iddpm_noisy_classifier";
constexpr std::int64_t classifier_format = 1;

json json_of(const std::vector<NoiseLevelAccuracy>& accuracy) {
  json list = json::array();
  for (const NoiseLevelAccuracy& at_t : accuracy) {
    list.push_back({{"t", at_t.t}, {"noise_level", at_t.noise_level}, {"accuracy", at_t.accuracy}});
  }
  return list;
}

std::vector<NoiseLevelAccuracy> accuracy_from(const json& list, const std::string& where) {
  require(list.is_array(), "{}, accuracy: expected a list, got {}", where, list.type_name());
  std::vector<NoiseLevelAccuracy> accuracy;
  for (const json& entry : list) {
    const JsonRecord record(entry, where + ", accuracy", {"t", "noise_level", "accuracy"});
    NoiseLevelAccuracy at_t;
    record.read("t", at_t.t);
    record.read("noise_level", at_t.noise_level);
    record.read("accuracy", at_t.accuracy);
    accuracy.push_back(at_t);
  }
  return accuracy;
}

json json_of(const ClassifierInfo& info) {
  return {{"format", classifier_format},
          {"version", info.version.empty() ? version : info.version},
          {"settings_format", checkpoint_format::version},
          {"options", info.options},
          {"diffusion", info.diffusion},
          {"class_names", info.class_names},
          {"source", info.source},
          {"steps", info.steps},
          {"seed", info.seed},
          {"accuracy", json_of(info.accuracy)},
          {"accuracy_images", info.accuracy_images}};
}

ClassifierInfo info_from(const json& value, const std::string& where) {
  const JsonRecord record(value, where,
                          {"format", "version", "settings_format", "options", "diffusion", "class_names", "source",
                           "steps", "seed", "accuracy", "accuracy_images", "checksum"});
  const auto format = record.get<std::int64_t>("format");
  const auto settings_format = record.get<std::int64_t>("settings_format");
  require(format == classifier_format && settings_format >= 1 && settings_format <= checkpoint_format::version,
          ErrorKind::unsupported, "{}: its format is {} ({}); this program reads {} ({}) (a newer one wrote it?)",
          where, format, settings_format, classifier_format, checkpoint_format::version);
  ClassifierInfo info;
  info.options = resolved(classifier_options_of(record.raw("options"), settings_format));
  info.diffusion = fields_from_json<DiffusionSettings>(record.raw("diffusion"), "diffusion settings", settings_format);
  record.read("version", info.version);
  record.read("class_names", info.class_names);
  record.read("source", info.source);
  record.read("steps", info.steps);
  record.read("seed", info.seed);
  info.accuracy = accuracy_from(record.raw("accuracy"), where);
  record.read("accuracy_images", info.accuracy_images);
  return info;
}

NamedTensors weights_of(const NoisyClassifier& network) {
  NamedTensors weights;
  for (const auto& [name, parameter] : network.parameters()) {
    weights.emplace_back(name, checkpoint_format::stored_form(parameter));
  }
  return weights;
}

std::uint32_t checksum_of(const NamedTensors& weights) {
  std::uint32_t checksum = 0;
  for (const auto& [name, tensor] : weights) checksum = checkpoint_format::checksum(tensor, checksum);
  return checksum;
}

// The file's weights, each checked against what the options ask for before any memory is taken.
NamedTensors weights_from(const SafetensorsFile& file, const ClassifierOptions& options) {
  const NamedShapes expected = NoisyClassifier::parameter_shapes(options);
  for (const auto& [name, shape] : expected) {
    require(file.contains(name), "the weight {} is missing", name);
    require(file.type(name) == at::kFloat && file.shape(name) == shape,
            "expected {} of type Float and shape {}, got {} {}", name, format_shape(shape),
            at::toString(file.type(name)), format_shape(file.shape(name)));
  }
  require(file.names().size() == expected.size(), "expected {} weights, got {}", expected.size(), file.names().size());
  require_memory(static_cast<std::uint64_t>(count(expected)) * sizeof(float), file.path().string());
  NamedTensors weights;
  for (const auto& [name, shape] : expected) weights.emplace_back(name, file.tensor(name));
  return weights;
}

}  // namespace

TrainedClassifier::TrainedClassifier(ClassifierInfo info, NoisyClassifier network)
    : info_(std::move(info)), network_(std::move(network)), checksum_(checksum_of(weights_of(network_))) {
  require(network_.options() == resolved(info_.options), "classifier: its options are not those of its network");
  require(
      info_.class_names.empty() || static_cast<std::int64_t>(info_.class_names.size()) == network_.options().classes,
      "classifier: expected {} class names, got {}", network_.options().classes, info_.class_names.size());
  (void)forward_process(info_.diffusion);
  for (const auto& [name, parameter] : network_.parameters()) Tensor(parameter).set_requires_grad(false);
}

TrainedClassifier TrainedClassifier::open(const fs::path& path, at::Device device) {
  const SafetensorsFile file(path);
  try {
    require(is_trained_classifier(file), "its metadata lack the key {}", metadata_key);
    const json about = parse_json(file.metadata().at(metadata_key), metadata_key);
    ClassifierInfo info = info_from(about, metadata_key);
    const NamedTensors weights = weights_from(file, info.options);
    require(JsonRecord(about, metadata_key).get<std::uint64_t>("checksum") == checksum_of(weights),
            ErrorKind::damaged_file, "it is damaged: its weights have changed since they were written");
    NoisyClassifier network(info.options, weights, "weights");
    network.to(device);
    TrainedClassifier classifier(std::move(info), std::move(network));
    classifier.path_ = path;
    return classifier;
  } catch (const Error& error) {
    fail(error.kind(), "{}: no classifier of noisy images: {}", path.string(), error.what());
  }
}

void TrainedClassifier::save(const fs::path& path) const {
  json about = json_of(info_);
  about["checksum"] = checksum_;
  // Names of files and folders need not be UTF-8, which JSON must be.
  const std::string text = about.dump(-1, ' ', false, json::error_handler_t::replace);
  write_safetensors(path, weights_of(network_), {{metadata_key, text}});
}

bool is_trained_classifier(const SafetensorsFile& file) { return file.metadata().contains(metadata_key); }

std::string describe(const std::vector<NoiseLevelAccuracy>& accuracy) {
  std::string text;
  for (const NoiseLevelAccuracy& at_t : accuracy) {
    text +=
        fmt::format("  at t = {:<6} noise level {:<10.3g} {:.1f} %\n", at_t.t, at_t.noise_level, 100.0 * at_t.accuracy);
  }
  return text;
}

std::string describe(const TrainedClassifier& classifier) {
  const ClassifierInfo& info = classifier.info();
  const UNetOptions& network = info.options.network;
  std::string text = classifier.path().empty() ? "" : classifier.path().string() + "\n";
  text += fmt::format(
      "  A classifier of noisy {} x {} images with {} channel{}, of {} classes, for sample --classifier.\n\n",
      network.image_height, network.image_width, network.image_channels, network.image_channels == 1 ? "" : "s",
      info.options.classes);
  text += fmt::format("  parameters   {}\n", count(classifier.network().parameters()));
  text += fmt::format("  network      {} channels, residual blocks per level {}, pool {}\n", network.channels,
                      network.residual_blocks, name(info.options.pool));
  text += fmt::format("  process      a {} schedule of {} steps\n", info.diffusion.schedule, info.diffusion.steps);
  text += fmt::format("  training     {} steps on {}, seed {}\n", info.steps, quote(info.source), info.seed);
  if (info.accuracy.empty()) return text;
  text += fmt::format("\nRight of {} images that it was not trained on\n", info.accuracy_images);
  return text + describe(info.accuracy);
}

json describe_json(const TrainedClassifier& classifier) {
  json record = json_of(classifier.info());
  record["path"] = classifier.path().string();
  record["parameters"] = count(classifier.network().parameters());
  record["checksum"] = classifier.checksum();
  return record;
}

}  // namespace iddpm
