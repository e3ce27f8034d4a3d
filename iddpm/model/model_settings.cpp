#include "iddpm/model/model_settings.h"

#include <algorithm>
#include <charconv>

#include "iddpm/core/error.h"
#include "iddpm/core/nearest_name.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/input_file.h"

namespace iddpm {
namespace {

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// The only class whose name is `name` but for the case of letters; -1 if there is none or more than one.
std::int64_t find_ignoring_case(const std::vector<std::string>& names, const std::string& name) {
  std::int64_t found = -1;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (lower_case(names[i]) != lower_case(name)) continue;
    if (found >= 0) return -1;
    found = static_cast<std::int64_t>(i);
  }
  return found;
}

[[noreturn]] void fail_unknown_class(const ModelSettings& settings, const std::string& name) {
  constexpr std::size_t most_listed = 20;
  const std::vector<std::string>& names = settings.class_names;
  const std::string range = fmt::format("0 to {}", settings.network.classes - 1);
  if (names.empty()) fail("there is no class {}: expected a number, {}", quote(name), range);
  std::vector<std::string> listed;
  for (std::size_t i = 0; i < std::min(names.size(), most_listed); ++i) listed.push_back(quote(names[i]));
  fail("there is no class {}.{} The classes are {}{}, or their numbers, {}", quote(name), did_you_mean(name, names),
       fmt::join(listed, ", "), names.size() > most_listed ? " ..." : "", range);
}

}  // namespace

void check(const ModelSettings& settings) {
  (void)resolved(settings.network);
  check_fields(settings.diffusion, "diffusion settings");
  (void)reverse_process(settings.diffusion);
  const Variance variance = settings.diffusion.variance;
  const bool learned = variance == Variance::learned || variance == Variance::learned_range;
  require(settings.network.predict_variance == learned,
          "model settings: the variance is {}, but the network {} (predict_variance is {})", name(variance),
          learned ? "doesn't predict one" : "predicts one", settings.network.predict_variance);
  require(settings.diffusion.objective != Objective::hybrid || learned,
          "model settings: the objective hybrid needs a learned variance; the variance is {}", name(variance));
  check_weighting(settings.diffusion);
  require(settings.class_names.empty() ||
              static_cast<std::int64_t>(settings.class_names.size()) == settings.network.classes,
          "model settings: the network has {} classes, but there are {} class names", settings.network.classes,
          settings.class_names.size());
}

void to_json(nlohmann::json& json, const ModelSettings& settings) {
  json = {{"network", settings.network}, {"diffusion", settings.diffusion}, {"class_names", settings.class_names}};
}

ModelSettings model_settings_of(const nlohmann::json& json, std::int64_t format) {
  const JsonRecord record(json, "model settings", {"network", "diffusion", "class_names"});
  ModelSettings settings;
  settings.network = fields_from_json<UNetOptions>(record.raw("network"), "network options", format);
  settings.diffusion = fields_from_json<DiffusionSettings>(record.raw("diffusion"), "diffusion settings", format);
  record.read("class_names", settings.class_names);
  check(settings);
  return settings;
}

void from_json(const nlohmann::json& json, ModelSettings& settings) {
  settings = model_settings_of(json, newest_format);
}

std::int64_t class_index(const ModelSettings& settings, const std::string& name) {
  require(settings.network.classes > 0, "class {}: the model has no classes", quote(name));
  const std::vector<std::string>& names = settings.class_names;
  if (const auto found = std::find(names.begin(), names.end(), name); found != names.end()) {
    return found - names.begin();
  }
  if (const std::int64_t found = find_ignoring_case(names, name); found >= 0) return found;
  std::int64_t number = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool is_number = error == std::errc() && end == name.data() + name.size();
  if (!is_number || number < 0 || number >= settings.network.classes) fail_unknown_class(settings, name);
  return number;
}

}  // namespace iddpm
