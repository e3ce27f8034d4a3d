#include "iddpm/nn/classifier_options.h"

#include <array>
#include <nlohmann/json.hpp>

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"

namespace iddpm {
namespace {

constexpr std::int64_t most_classifier_classes = 1'000'000;

constexpr std::array pool_names = {"adaptive", "attention", "spatial", "spatial_v2"};

}  // namespace

std::string name(ClassifierPool pool) {
  return choice_name(pool_names, static_cast<std::size_t>(pool), "classifier's pool");
}

ClassifierPool parse_classifier_pool(const std::string& name) {
  return static_cast<ClassifierPool>(parse_choice(pool_names, name, "classifier's pool"));
}

ClassifierOptions resolved(ClassifierOptions options) {
  options.network.classes = 0;
  options.network.class_dropout = 0;
  options.network.predict_variance = false;
  options.network.super_resolution = false;
  options.network.low_resolution = 0;
  options.network.low_resolution_noise = 0.0;
  options.network.heads_upsample = 0;
  options.network.attention_upsample.clear();
  options.network = resolved(std::move(options.network));
  require(options.classes >= 1 && options.classes <= most_classifier_classes,
          "Classifier option classes is {}; expected 1 to {}.", options.classes, most_classifier_classes);
  require(
      options.pool != ClassifierPool::attention || options.network.head_channels > 0,
      "Network option head_channels is 0; expected a divisor of the channels, which the classifier's attention pool "
      "needs.");
  return options;
}

void to_json(nlohmann::json& json, const ClassifierOptions& options) {
  json = {{"network", options.network}, {"classes", options.classes}, {"pool", name(options.pool)}};
}

ClassifierOptions classifier_options_of(const nlohmann::json& json, std::int64_t format) {
  const JsonRecord record(json, "classifier options", {"network", "classes", "pool"});
  ClassifierOptions read;
  read.network = fields_from_json<UNetOptions>(record.raw("network"), "network options", format);
  record.read("classes", read.classes);
  read.pool = parse_classifier_pool(record.get<std::string>("pool"));
  return read;
}

void from_json(const nlohmann::json& json, ClassifierOptions& options) {
  options = classifier_options_of(json, newest_format);
}

}  // namespace iddpm
