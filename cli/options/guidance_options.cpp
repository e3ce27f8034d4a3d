#include "cli/options/guidance_options.h"

#include <CLI/CLI.hpp>
#include <cmath>

#include "cli/options/effect.h"
#include "cli/options/open_model.h"
#include "cli/options/values.h"
#include "iddpm/core/error.h"

namespace iddpm::cli {
namespace {

constexpr const char* without_end = "inf";

// The noise levels "LOW,HIGH"; "inf" is no upper end.
void read_interval(const std::string& text, GuidanceOptions& options) {
  const std::size_t comma = text.find(',');
  const std::string low = text.substr(0, comma);
  const std::string high = comma == std::string::npos ? "" : text.substr(comma + 1);
  const std::optional<double> least = decimal_number(low);
  const std::optional<double> greatest =
      high == without_end ? std::optional(std::numeric_limits<double>::infinity()) : decimal_number(high);
  require(least && greatest && *least >= 0.0 && *greatest > *least,
          "expected two noise levels (sigma / alpha) LOW,HIGH with LOW below HIGH, such as 0.3,5 or 0.3,inf, got '{}'",
          text);
  options.least = *least;
  options.greatest = *greatest;
}

void check_interval(const std::string& text) {
  GuidanceOptions options;
  read_interval(text, options);
}

Model opened_guide(const std::filesystem::path& path, const WeightOptions& weights, const ComputeOptions& compute) {
  try {
    return open_model(path, weights, compute);
  } catch (const Error& error) {
    fail(error.kind(), "--guide: {}", error.what());
  }
}

TrainedClassifier opened_classifier(const std::filesystem::path& path, const ComputeOptions& compute) {
  try {
    return TrainedClassifier::open(path, chosen_device(compute));
  } catch (const Error& error) {
    fail(error.kind(), "--classifier: {}", error.what());
  }
}

Guidance opened_guidance(const GuidanceArguments& arguments, const WeightOptions& weights,
                         const ComputeOptions& compute) {
  if (!arguments.classifier.empty()) {
    return ClassifierGuidance{.classifier = opened_classifier(arguments.classifier, compute),
                              .scale = arguments.classifier_scale.value_or(1.0)};
  }
  if (!arguments.scale) return {};
  ModelGuidance guidance{.options = {.scale = *arguments.scale}};
  if (arguments.interval) read_interval(*arguments.interval, guidance.options);
  if (!arguments.guide.empty()) guidance.guide = opened_guide(arguments.guide, weights, compute);
  return guidance;
}

}  // namespace

void add_guidance_options(CLI::App& verb, GuidanceArguments& arguments, const std::string& group) {
  const auto option = [&](const char* name, auto& value, const char* help) {
    return verb.add_option(name, value, help)->group(group);
  };
  option("--guidance", arguments.scale,
         "How closely the class is followed: 1 as learned, 2 or 3 more so. Takes a model trained with --class-dropout, "
         "or a --guide; costs two network evaluations")
      ->check(between(0.0, 1000.0));
  option("--guide", arguments.guide,
         "Lead away from this weaker model (run folder or checkpoint), such as an earlier checkpoint of the same run, "
         "instead of from the model without its class")
      ->type_name("MODEL");
  option("--guidance-interval", arguments.interval, "Only at noise levels (sigma / alpha) LOW to HIGH, such as 0.3,5")
      ->type_name("LOW,HIGH")
      ->check(understood_by(check_interval));
  option("--classifier", arguments.classifier,
         "Lead towards the class by this classifier of noisy images, which iddpm train-classifier makes")
      ->type_name("FILE");
  option("--classifier-scale", arguments.classifier_scale, "How strongly (1)")->check(between(0.0, 1000.0));
}

std::vector<std::string> guidance_option_names() {
  return {"--guidance", "--guide", "--guidance-interval", "--classifier", "--classifier-scale"};
}

void refuse_idle_guidance(const CLI::App& verb, const GuidanceArguments& arguments) {
  if (!arguments.scale) refuse_idle(verb, {"--guide", "--guidance-interval"}, "without --guidance");
  if (arguments.classifier.empty()) refuse_idle(verb, {"--classifier-scale"}, "without --classifier");
  if (arguments.scale) refuse_idle(verb, {"--classifier"}, "beside --guidance: images are led in one way");
}

Guidance chosen_guidance(const GuidanceArguments& arguments, const Model& model, const WeightOptions& weights,
                         const ComputeOptions& compute) {
  Guidance guidance = opened_guidance(arguments, weights, compute);
  try {
    check_guidance(guidance, model, model.reverse_process().q().schedule());
  } catch (const Error& error) {
    const char* option = !arguments.classifier.empty() ? "--classifier"
                         : !arguments.guide.empty()    ? "--guide"
                                                       : "--guidance";
    fail(error.kind(), "{}: {}", option, error.what());
  }
  return guidance;
}

nlohmann::json guidance_record(const Guidance& guidance) {
  if (const auto* by_classifier = std::get_if<ClassifierGuidance>(&guidance)) {
    return {{"scale", by_classifier->scale},
            {"classifier", by_classifier->classifier.path().string()},
            {"classifier_crc32c", fmt::format("{:08x}", by_classifier->classifier.checksum())}};
  }
  const auto* by_model = std::get_if<ModelGuidance>(&guidance);
  if (by_model == nullptr) return nullptr;
  const GuidanceOptions& options = by_model->options;
  nlohmann::json record = {{"scale", options.scale}};
  if (options.has_interval()) {
    // JSON has no infinity: null is no upper end.
    record["interval"] = {options.least,
                          std::isfinite(options.greatest) ? nlohmann::json(options.greatest) : nlohmann::json()};
  }
  if (by_model->guide) {
    const Model& guide = *by_model->guide;
    record["guide"] = {{"model", guide.path().string()},
                       {"step", guide.info().step},
                       {"weights", guide.weights()},
                       {"weights_crc32c", fmt::format("{:08x}", guide.checksum().value_or(0))}};
  }
  return record;
}

}  // namespace iddpm::cli
