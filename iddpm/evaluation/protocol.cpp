#include "iddpm/evaluation/protocol.h"

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/file_hash.h"

namespace iddpm {
namespace {

using nlohmann::json;

const char* name_of(Measurement measurement) {
  return measurement == Measurement::likelihood ? "likelihood" : "sample quality";
}

Measurement parse_measurement(const std::string& name) {
  if (name == name_of(Measurement::likelihood)) return Measurement::likelihood;
  require(name == name_of(Measurement::sample_quality),
          "protocol: expected the measurement 'sample quality' or 'likelihood', got '{}'", name);
  return Measurement::sample_quality;
}

json record_of(const ImageSetRecord& images) {
  return {{"source", images.source},
          {"sha256", images.sha256},
          {"count", images.count},
          {"image_shape", images.image_shape}};
}

ImageSetRecord image_set_from(const json& value, const std::string& where) {
  const JsonRecord record(value, where, {"source", "sha256", "count", "image_shape"});
  ImageSetRecord images;
  record.read("source", images.source);
  record.read("sha256", images.sha256);
  record.read("count", images.count);
  record.read("image_shape", images.image_shape);
  return images;
}

json record_of(const FeatureSpace& space) {
  return {
      {"network", space.network}, {"sha256", space.sha256}, {"dimensions", space.dimensions}, {"is_fid", space.is_fid}};
}

FeatureSpace feature_space_from(const json& value) {
  const JsonRecord record(value, "protocol, features", {"network", "sha256", "dimensions", "is_fid"});
  FeatureSpace space;
  record.read("network", space.network);
  record.read("sha256", space.sha256);
  record.read("dimensions", space.dimensions);
  record.read("is_fid", space.is_fid);
  return space;
}

json record_of(const ModelRecord& model) {
  json record = {{"checkpoint", model.checkpoint},
                 {"checkpoint_sha256", model.checkpoint_sha256},
                 {"weights", model.weights},
                 {"sampler", model.sampler},
                 {"steps", model.steps},
                 {"original_steps", model.original_steps},
                 {"seed", model.seed}};
  // Results from before they were recorded stay as they are.
  if (model.evaluations > 0) record["evaluations"] = model.evaluations;
  if (!model.precision.empty()) record["precision"] = model.precision;
  if (!model.device.empty()) record["device"] = model.device;
  return record;
}

ModelRecord model_from(const json& value) {
  const JsonRecord record(value, "protocol, model",
                          {"checkpoint", "checkpoint_sha256", "weights", "sampler", "steps", "original_steps",
                           "evaluations", "seed", "precision", "device"});
  ModelRecord model;
  record.read("checkpoint", model.checkpoint);
  record.read("checkpoint_sha256", model.checkpoint_sha256);
  record.read("weights", model.weights);
  record.read("sampler", model.sampler);
  record.read("steps", model.steps);
  record.read("original_steps", model.original_steps);
  record.read("seed", model.seed);
  if (value.contains("evaluations")) record.read("evaluations", model.evaluations);
  if (value.contains("precision")) record.read("precision", model.precision);
  if (value.contains("device")) record.read("device", model.device);
  return model;
}

template <typename Record>
json optional_record(const std::optional<Record>& record) {
  return record ? record_of(*record) : json();
}

// What must agree for figures to be compared, as lines "what: value"; hashes stand for what they are of.
json measured_how(const Protocol& protocol) {
  json how = {{"measurement", name_of(protocol.measurement)}, {"size of the images", protocol.images.image_shape}};
  how["number of images"] = protocol.images.count;
  if (protocol.measurement == Measurement::likelihood) {
    how["images"] = protocol.images.sha256;
    if (protocol.model && !protocol.model->precision.empty()) how["precision"] = protocol.model->precision;
  }
  if (protocol.features) {
    how["feature network"] = protocol.features->sha256;
    how["number of features"] = protocol.features->dimensions;
  }
  if (protocol.reference) {
    how["reference"] = protocol.reference->sha256;
    how["images of the reference"] = protocol.reference->count;
  }
  if (protocol.score_splits > 0) how["splits of the Inception score"] = protocol.score_splits;
  if (!protocol.neighbours.empty()) how["k of the nearest neighbours"] = protocol.neighbours;
  return how;
}

// What may differ between figures that are compared.
json measured_what(const Protocol& protocol) {
  json what = optional_record(protocol.model);
  if (what.is_null()) what = json::object();
  what["software"] = protocol.software;
  if (protocol.measurement == Measurement::sample_quality) what["samples"] = protocol.images.sha256;
  return what;
}

std::vector<std::string> differences(const json& a, const json& b) {
  std::vector<std::string> sentences;
  const auto text = [](const json& object, const std::string& key) {
    return object.contains(key) ? object[key].dump() : std::string("none");
  };
  json keys = a;
  keys.update(b);
  for (const auto& [key, value] : keys.items()) {
    if (text(a, key) != text(b, key)) {
      sentences.push_back(fmt::format("{}: {} and {}", key, text(a, key), text(b, key)));
    }
  }
  return sentences;
}

std::string short_hash(const std::string& hash) { return hash.substr(0, 12); }

std::string describe(const ImageSetRecord& images) {
  return fmt::format("{}, {} images {} (SHA-256 {})", images.source, images.count, format_shape(images.image_shape),
                     short_hash(images.sha256));
}

}  // namespace

void to_json(json& result, const Protocol& protocol) {
  result = {{"measurement", name_of(protocol.measurement)},
            {"images", record_of(protocol.images)},
            {"reference", optional_record(protocol.reference)},
            {"features", optional_record(protocol.features)},
            {"neighbours", protocol.neighbours},
            {"score_splits", protocol.score_splits},
            {"model", optional_record(protocol.model)},
            {"software", protocol.software}};
}

void from_json(const json& value, Protocol& protocol) {
  const JsonRecord record(
      value, "protocol",
      {"measurement", "images", "reference", "features", "neighbours", "score_splits", "model", "software"});
  protocol = {};
  protocol.measurement = parse_measurement(record.get<std::string>("measurement"));
  protocol.images = image_set_from(record.raw("images"), "protocol, images");
  record.read("neighbours", protocol.neighbours);
  record.read("score_splits", protocol.score_splits);
  record.read("software", protocol.software);
  if (!record.raw("reference").is_null()) {
    protocol.reference = image_set_from(record.raw("reference"), "protocol, reference");
  }
  if (!record.raw("features").is_null()) protocol.features = feature_space_from(record.raw("features"));
  if (!record.raw("model").is_null()) protocol.model = model_from(record.raw("model"));
}

std::string measurement_id(const Protocol& protocol) {
  return short_hash(sha256(measured_how(protocol).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
}

std::string describe(const Protocol& protocol) {
  std::string text = fmt::format("images       {}\n", describe(protocol.images));
  if (protocol.reference) text += fmt::format("reference    {}\n", describe(*protocol.reference));
  if (protocol.features) {
    text += fmt::format("features     {}, {} dimensions (SHA-256 {})\n", protocol.features->network,
                        protocol.features->dimensions, short_hash(protocol.features->sha256));
  }
  if (!protocol.neighbours.empty()) text += fmt::format("neighbours   k = {}\n", fmt::join(protocol.neighbours, ", "));
  if (protocol.model) {
    const ModelRecord& model = *protocol.model;
    text += fmt::format("model        {} (SHA-256 {}), weights {}\n", model.checkpoint,
                        short_hash(model.checkpoint_sha256), model.weights);
    text += fmt::format(
        "process      {}{} of {} steps, {}seed {}\n", model.sampler.empty() ? "" : model.sampler + ", ", model.steps,
        model.original_steps,
        model.evaluations > 0 ? fmt::format("{} network evaluations an image, ", model.evaluations) : "", model.seed);
    if (!model.precision.empty()) text += fmt::format("computed     in {} on {}\n", model.precision, model.device);
  }
  text += fmt::format("software     {}\n", protocol.software);
  return text + fmt::format("measurement  {} (figures compare only if these agree)\n", measurement_id(protocol));
}

ProtocolComparison compare(const Protocol& a, const Protocol& b) {
  return {.obstacles = differences(measured_how(a), measured_how(b)),
          .differences = differences(measured_what(a), measured_what(b))};
}

void require_comparable(const Protocol& a, const Protocol& b) {
  const std::vector<std::string> obstacles = compare(a, b).obstacles;
  require(obstacles.empty(), "these figures can't be compared, since they were measured differently: {}",
          fmt::join(obstacles, "; "));
}

}  // namespace iddpm
