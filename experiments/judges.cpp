#include "experiments/judges.h"

#include "iddpm/evaluation/features/feature_network_file.h"
#include "iddpm/evaluation/metrics/frechet_extrapolation.h"
#include "iddpm/evaluation/metrics/sample_metrics.h"
#include "iddpm/io/safetensors.h"

namespace iddpm::experiments {

const FeatureNetwork& Judges::network(JudgeRole role) {
  std::unique_ptr<FeatureNetwork>& network = networks_[role];
  if (!network) {
    const Settings& settings = bench_.settings();
    std::filesystem::path file = role == JudgeRole::reporting ? settings.features : std::filesystem::path();
    if (file.empty()) {
      file = role == JudgeRole::tuning ? bench_.feature_classifier("classifier", settings.seed)
                                       : bench_.feature_classifier("reporting_classifier", settings.seed + 1);
    }
    network = load_feature_network(file);
  }
  return *network;
}

const FeatureSet& Judges::reference(JudgeRole role) {
  if (const auto known = references_.find(role); known != references_.end()) return known->second;
  const bool test = role == JudgeRole::reporting && bench_.has_test_images();
  const std::string source = bench_.data_name() + (test ? ", test images" : ", training images");
  std::vector<std::string> skipped;
  FeatureSet set =
      collect_features(network(role), test ? *bench_.test_images() : *bench_.training_images(),
                       {.count = bench_.scale().reference_images, .batch = 64, .source = source}, skipped,
                       bench_.counter(role == JudgeRole::tuning ? "The tuning judge's images" : "The judge's images"));
  return references_.emplace(role, std::move(set)).first->second;
}

nlohmann::json Judges::judge(JudgeRole role, const std::string& source, const Tensor& images) {
  const bool test = role == JudgeRole::reporting && bench_.has_test_images();
  const nlohmann::json depends_on = {{"images", sha256_of_tensors({{"images", images.contiguous()}})},
                                     {"features", network(role).space().sha256},
                                     {"reference", bench_.scale().reference_images},
                                     {"split", test ? "test" : "train"}};
  return bench_.measured("judgement", depends_on, [&] {
    const auto dataset = in_memory_dataset({.images = images, .labels = {}, .class_names = {}, .source = source});
    std::vector<std::string> skipped;
    const FeatureSet& real = reference(role);
    const FeatureSet fake = collect_features(network(role), *dataset, {.batch = 64, .source = source}, skipped,
                                             bench_.counter("Judging " + source));
    const SampleMetrics metrics = evaluate_samples(real, fake);
    nlohmann::json json = metrics;
    const auto extrapolated = extrapolated_frechet_distance(real.pooled, fake.features);
    if (extrapolated) json["extrapolated_frechet_distance"] = *extrapolated;
    json["protocol"] = sample_protocol(real, fake, metrics);
    json["measurement_id"] = measurement_id(sample_protocol(real, fake, metrics));
    return json;
  });
}

double extrapolated_distance(const nlohmann::json& judgement) {
  const char* extrapolated = "extrapolated_frechet_distance";
  return judgement.at(judgement.contains(extrapolated) ? extrapolated : "frechet_distance").get<double>();
}

}  // namespace iddpm::experiments
