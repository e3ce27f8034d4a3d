#include "iddpm/model/guidance.h"

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"
#include "iddpm/diffusion/noise_level.h"

namespace iddpm {
namespace {

std::string name_of(const Model& model) { return model.path().empty() ? "the model" : model.path().string(); }

// The classes of a model or a classifier.
struct Classes {
  std::int64_t count = 0;
  const std::vector<std::string>& names;
};

Classes classes_of(const Model& model) {
  return {.count = model.settings().network.classes, .names = model.settings().class_names};
}

std::string text_of(const Classes& classes) {
  if (classes.count == 0) return "no classes";
  if (classes.names.empty()) return fmt::format("{} classes without names", classes.count);
  constexpr std::size_t most_listed = 20;
  const std::vector<std::string>& names = classes.names;
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), most_listed));
  return fmt::format("the classes {}{}", fmt::join(names.begin(), end, ", "), names.size() > most_listed ? " ..." : "");
}

bool are_the_same(const Classes& a, const Classes& b) {
  const bool named = !a.names.empty() && !b.names.empty();
  return a.count == b.count && (!named || a.names == b.names);
}

std::string text_of(const DiffusionSettings& diffusion) {
  return fmt::format("a {} schedule of {} steps{}", diffusion.schedule, diffusion.steps,
                     diffusion.zero_terminal_snr ? " that ends without signal" : "");
}

bool are_the_same(const DiffusionSettings& a, const DiffusionSettings& b) {
  return forward_process(a).schedule().alpha_bar == forward_process(b).schedule().alpha_bar;
}

void check_guide(const Model& guide, const Model& model) {
  const DiffusionSettings& its_process = guide.settings().diffusion;
  const DiffusionSettings& process = model.settings().diffusion;
  const std::string name = name_of(guide);
  require(guide.image_shape() == model.image_shape(), "the guide {} draws images {}; expected {} as of the model", name,
          format_shape(guide.image_shape()), format_shape(model.image_shape()));
  require(are_the_same(classes_of(guide), classes_of(model)), "the guide {} has {}; expected those of the model, {}",
          name, text_of(classes_of(guide)), text_of(classes_of(model)));
  require(are_the_same(its_process, process),
          "the guide {} undoes another diffusion process, {}; expected that of the model, {}", name,
          text_of(its_process), text_of(process));
  require(!guide.checksum() || guide.checksum() != model.checksum(),
          "the guide {} has the model's own weights, from which nothing leads away; expected a weaker model, such as "
          "an earlier checkpoint",
          name);
  require(!guide.settings().network.super_resolution && guide.device() == model.device(),
          "the guide {} enlarges images or is on another device; expected a model like the one that it guides", name);
}

void check_classifier(const ClassifierGuidance& guidance, const Model& model) {
  const ClassifierInfo& info = guidance.classifier.info();
  const UNetOptions& network = info.options.network;
  const std::string name = guidance.classifier.path().string();
  require(std::isfinite(guidance.scale) && guidance.scale >= 0.0,
          "classifier guidance: expected a scale of at least 0, got {}", guidance.scale);
  const Classes its_classes = {.count = info.options.classes, .names = info.class_names};
  require(model.has_classes() && are_the_same(its_classes, classes_of(model)),
          "the classifier {} knows {}; expected those of the model, {}", name, text_of(its_classes),
          text_of(classes_of(model)));
  const std::vector<std::int64_t> shape = {network.image_channels, network.image_height, network.image_width};
  require(shape == model.image_shape(), "the classifier {} takes images {}; expected {} as of the model", name,
          format_shape(shape), format_shape(model.image_shape()));
  const DiffusionSettings& process = model.settings().diffusion;
  require(are_the_same(info.diffusion, process) && info.diffusion.rescale_timesteps == process.rescale_timesteps,
          "the classifier {} knows the noisy images of another diffusion process, {}; expected that of the model, {}",
          name, text_of(info.diffusion), text_of(process));
  require(guidance.classifier.network().device() == model.device(),
          "the classifier {} is on {}; expected {} as of the model", name, guidance.classifier.network().device().str(),
          model.device().str());
}

void check_class_dropout(const Model& model) {
  const UNetOptions& network = model.settings().network;
  require(network.classes > 0,
          "{} has no classes (it is unconditional), so there is no prediction without a class to lead away from; a "
          "weaker model can guide it",
          name_of(model));
  require(network.class_dropout > 0,
          "{} was never trained without its class (class_dropout is 0), so there is no prediction without a class to "
          "lead away from; train with class dropout (0.1, say), or let a weaker model guide it",
          name_of(model));
}

void check_interval(const GuidanceOptions& options, const NoiseSchedule& schedule) {
  const std::vector<double> scales = guidance_scales(schedule, options);
  const bool is_idle = std::all_of(scales.begin(), scales.end(), [](double scale) { return scale == 1.0; });
  const auto ratio = [](double alpha_bar) { return NoiseLevel::of_alpha_bar(alpha_bar).ratio(); };
  require(!is_idle || options.scale == 1.0,
          "none of the steps has a noise level (sigma / alpha) from {} to {}; theirs go from {:.3g} to {:.3g}",
          options.least, options.greatest, ratio(schedule.alpha_bar.front()), ratio(schedule.alpha_bar.back()));
}

}  // namespace

bool is_effective(const Guidance& guidance) {
  if (const auto* by_classifier = std::get_if<ClassifierGuidance>(&guidance)) return by_classifier->scale != 0.0;
  const auto* by_model = std::get_if<ModelGuidance>(&guidance);
  return by_model != nullptr && by_model->options.scale != 1.0;
}

void check_guidance(const Guidance& guidance, const Model& model, const NoiseSchedule& schedule) {
  if (const auto* by_classifier = std::get_if<ClassifierGuidance>(&guidance)) check_classifier(*by_classifier, model);
  const auto* by_model = std::get_if<ModelGuidance>(&guidance);
  if (by_model == nullptr) return;
  if (by_model->guide) {
    check_guide(*by_model->guide, model);
  } else {
    check_class_dropout(model);
  }
  check_interval(by_model->options, schedule);
}

std::string describe(const Guidance& guidance) {
  if (const auto* by_classifier = std::get_if<ClassifierGuidance>(&guidance)) {
    return fmt::format("classifier guidance {} by {}", by_classifier->scale,
                       by_classifier->classifier.path().filename().string());
  }
  const auto* by_model = std::get_if<ModelGuidance>(&guidance);
  if (by_model == nullptr) return {};
  const GuidanceOptions& options = by_model->options;
  std::string text = fmt::format("guidance {}", options.scale);
  if (by_model->guide) text += fmt::format(" by {}", by_model->guide->path().filename().string());
  if (options.has_interval()) text += fmt::format(" at noise levels {} to {}", options.least, options.greatest);
  return text;
}

}  // namespace iddpm
