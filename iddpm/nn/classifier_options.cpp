#include "iddpm/nn/classifier_options.h"

#include <array>
#include <nlohmann/json.hpp>

#include "iddpm/core/error.h"
#include "iddpm/nn/json_fields.h"

namespace iddpm {
namespace {

constexpr std::int64_t most_classifier_classes = 1'000'000;

constexpr std::array<std::pair<ClassifierPool, const char*>, 4> pool_names = {
    {{ClassifierPool::adaptive, "adaptive"},
     {ClassifierPool::attention, "attention"},
     {ClassifierPool::spatial, "spatial"},
     {ClassifierPool::spatial_v2, "spatial_v2"}}};

}  // namespace

std::string name(ClassifierPool pool) {
  for (const auto& [value, name] : pool_names) {
    if (value == pool) return name;
  }
  fail("Classifier option pool has an unknown value ({}).", static_cast<int>(pool));
}

ClassifierPool parse_classifier_pool(const std::string& name) {
  for (const auto& [value, candidate] : pool_names) {
    if (name == candidate) return value;
  }
  fail("Classifier option pool is '{}'; expected adaptive, attention, spatial or spatial_v2.", name.substr(0, 60));
}

ClassifierOptions resolved(ClassifierOptions options) {
  options.network.classes = 0;
  options.network.predict_variance = false;
  options.network.super_resolution = false;
  options.network.heads_upsample = 0;
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

void from_json(const nlohmann::json& json, ClassifierOptions& options) {
  JsonFields fields(json, "classifier options");
  ClassifierOptions read;
  std::string pool;
  from_json(fields.field("network"), read.network);
  fields.read("classes", read.classes);
  fields.read("pool", pool);
  fields.finish();
  read.pool = parse_classifier_pool(pool);
  options = std::move(read);
}

}  // namespace iddpm
