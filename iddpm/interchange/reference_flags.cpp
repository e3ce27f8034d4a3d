#include "iddpm/interchange/reference_flags.h"

#include <array>
#include <charconv>
#include <sstream>

#include "iddpm/core/error.h"
#include "iddpm/core/nearest_name.h"
#include "iddpm/interchange/reference_defaults.h"

namespace iddpm {
namespace {

using nlohmann::json;

constexpr std::int64_t published_classes = 1000;  // ImageNet's, whatever the data
constexpr std::int64_t classifier_head_channels = 64;

constexpr std::array<std::pair<ReferenceFamily, const char*>, 5> family_names = {
    {{ReferenceFamily::improved, "improved"},
     {ReferenceFamily::improved_sr, "improved_sr"},
     {ReferenceFamily::guided, "guided"},
     {ReferenceFamily::guided_sr, "guided_sr"},
     {ReferenceFamily::classifier, "classifier"}}};

std::string text_of(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

template <typename Number>
bool parse_number(const std::string& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

/// The words that the published programs take for a truth value, in any case.
std::optional<bool> parse_truth(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char* word : {"yes", "true", "t", "y", "1"}) {
    if (text == word) return true;
  }
  for (const char* word : {"no", "false", "f", "n", "0"}) {
    if (text == word) return false;
  }
  return std::nullopt;
}

/// A flag's value in its default's type.
json typed(const std::string& flag, const json& value, const json& default_value) {
  const std::string text = text_of(value);
  const auto wrong = [&](const char* expected) {
    fail("Flag --{} is '{}'; expected {}.", flag, text.substr(0, 60), expected);
  };
  if (default_value.is_boolean()) {
    const std::optional<bool> truth = parse_truth(text);
    if (!truth) wrong("True or False");
    return *truth;
  }
  if (default_value.is_number_integer()) {
    std::int64_t number = 0;
    if (!parse_number(text, number)) wrong("an integer");
    return number;
  }
  if (default_value.is_number_float()) {
    double number = 0;
    if (!parse_number(text, number) || !std::isfinite(number)) wrong("a number");
    return number;
  }
  return text;
}

struct SortedFlags {
  json network;
  json diffusion;
  json other = json::object();
};

SortedFlags sort_flags(ReferenceFamily family, const json& flags) {
  require(flags.is_object(), "The reference's flags have JSON type {}; expected an object.", flags.type_name());
  const ReferenceDefaults defaults = reference_defaults(family);
  SortedFlags sorted = {.network = defaults.network, .diffusion = defaults.diffusion};
  std::vector<std::string> known = reference_other_flags();
  for (const json* some : {&defaults.network, &defaults.diffusion}) {
    for (const auto& [flag, value] : some->items()) known.push_back(flag);
  }
  for (const auto& [flag, value] : flags.items()) {
    if (defaults.network.contains(flag)) {
      sorted.network[flag] = typed(flag, value, defaults.network[flag]);
    } else if (defaults.diffusion.contains(flag)) {
      sorted.diffusion[flag] = typed(flag, value, defaults.diffusion[flag]);
    } else {
      require(std::find(known.begin(), known.end(), flag) != known.end(),
              "Flag --{} is unknown to the family '{}'; expected flags of its published programs.{}",
              flag.substr(0, 60), name(family), did_you_mean(flag, known));
      sorted.other[flag] = value;
    }
  }
  // Precision is no part of the model.
  for (const char* precision : {"use_fp16", "classifier_use_fp16"}) {
    if (flags.contains(precision)) sorted.other[precision] = flags[precision];
    sorted.network.erase(precision);
  }
  return sorted;
}

std::vector<std::int64_t> parse_list(const std::string& flag, const std::string& text) {
  std::vector<std::int64_t> numbers;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::int64_t number = 0;
    require(parse_number(text.substr(begin, end - begin), number) && number > 0 && numbers.size() < 64,
            "Flag --{} is '{}'; expected positive integers with commas between them.", flag, text.substr(0, 60));
    numbers.push_back(number);
    begin = end + 1;
  }
  return numbers;
}

/// Multipliers of the sizes that a family's programs know.
std::vector<double> published_multipliers(ReferenceFamily family, std::int64_t size, const char* size_flag) {
  std::vector<std::int64_t> sizes;
  switch (family) {
    case ReferenceFamily::improved:
      sizes = {32, 64, 256};
      break;
    case ReferenceFamily::improved_sr:
      sizes = {64, 256};
      break;
    case ReferenceFamily::guided_sr:
      if (size == 512) return {1, 1, 2, 2, 4, 4};
      sizes = {64, 256, 512};
      break;
    case ReferenceFamily::guided:
    case ReferenceFamily::classifier:
      sizes = {64, 128, 256, 512};
      break;
  }
  require(std::find(sizes.begin(), sizes.end(), size) != sizes.end(),
          "Flag --{} is {}; expected one of {}, for which the family '{}' has channel multipliers.", size_flag, size,
          fmt::join(sizes, ", "), name(family));
  return default_channel_multipliers(size);
}

/// The published programs turn each resolution into a downsampling factor, size / resolution rounded down, and pass
/// over those that no level has.
std::vector<std::int64_t> published_attention(const std::string& flag, const std::string& text, std::int64_t size,
                                              std::size_t levels) {
  std::vector<std::int64_t> resolutions;
  for (const std::int64_t asked : parse_list(flag, text)) {
    const std::int64_t factor = size / asked;
    for (std::size_t level = 0; level < levels; ++level) {
      const std::int64_t resolution = size >> level;
      const bool listed = std::find(resolutions.begin(), resolutions.end(), resolution) != resolutions.end();
      if (factor == (std::int64_t{1} << level) && !listed) resolutions.push_back(resolution);
    }
  }
  return resolutions;
}

/// -1 is the published programs' "not set"; ours is 0.
std::int64_t unless_negative(const json& value) { return std::max<std::int64_t>(value.get<std::int64_t>(), 0); }

}  // namespace

std::string name(ReferenceFamily family) {
  for (const auto& [value, name] : family_names) {
    if (value == family) return name;
  }
  fail("A reference family has an unknown value ({}).", static_cast<int>(family));
}

ReferenceFamily parse_reference_family(const std::string& name) {
  for (const auto& [value, candidate] : family_names) {
    if (name == candidate) return value;
  }
  fail("The reference family is '{}'; expected improved, improved_sr, guided, guided_sr or classifier.",
       name.substr(0, 60));
}

json parse_reference_flags(const std::string& command_line) {
  std::istringstream words(command_line);
  json flags = json::object();
  std::string word, value;
  while (words >> word) {
    require(word.starts_with("--") && word.size() > 2, "The reference's flags have '{}'; expected --flag value.",
            word.substr(0, 60));
    const std::size_t equals = word.find('=');
    const std::string flag = word.substr(2, equals == std::string::npos ? std::string::npos : equals - 2);
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else {
      require(static_cast<bool>(words >> value) && !value.starts_with("--"),
              "Flag --{} has no value; expected --flag value.", flag.substr(0, 60));
    }
    require(!flags.contains(flag) || flags[flag] == value, "Flag --{} is given twice, with different values.",
            flag.substr(0, 60));
    flags[flag] = value;
  }
  return flags;
}

ReferenceUNet reference_unet(ReferenceFamily family, const json& flags) {
  require(family != ReferenceFamily::classifier,
          "The family 'classifier' has no U-Net; expected improved, improved_sr, guided or guided_sr.");
  auto [network, diffusion, other] = sort_flags(family, flags);
  const bool super_resolution = network.contains("large_size");
  const char* size_flag = super_resolution ? "large_size" : "image_size";
  const auto size = network[size_flag].get<std::int64_t>();
  UNetOptions options;
  options.image_height = options.image_width = size;
  options.image_channels = 3;
  options.channels = network["num_channels"].get<std::int64_t>();
  options.residual_blocks = network["num_res_blocks"].get<std::int64_t>();
  const std::string multipliers = network.value("channel_mult", "");
  if (multipliers.empty()) {
    options.channel_multipliers = published_multipliers(family, size, size_flag);
  } else {
    for (const std::int64_t multiplier : parse_list("channel_mult", multipliers)) {
      options.channel_multipliers.push_back(static_cast<double>(multiplier));
    }
  }
  options.attention_resolutions =
      published_attention("attention_resolutions", network["attention_resolutions"].get<std::string>(), size,
                          options.channel_multipliers.size());
  options.heads = network["num_heads"].get<std::int64_t>();
  options.head_channels = unless_negative(network.value("num_head_channels", json(-1)));
  options.heads_upsample = unless_negative(network["num_heads_upsample"]);
  options.qkv_order =
      network.value("use_new_attention_order", false) ? kernels::QkvOrder::qkv_first : kernels::QkvOrder::heads_first;
  options.scale_shift_norm = network["use_scale_shift_norm"].get<bool>();
  options.residual_resampling = network.value("resblock_updown", false);
  options.classes = network["class_cond"].get<bool>() ? published_classes : 0;
  options.dropout = network["dropout"].get<double>();
  options.predict_variance = diffusion["learn_sigma"].get<bool>();
  options.super_resolution = super_resolution;
  if (super_resolution) {
    const auto small = network["small_size"].get<std::int64_t>();
    if (small > 0 && small < size && size % small == 0) options.low_resolution = small;
  }
  options.checkpointing = network["use_checkpoint"].get<bool>();
  return {.network = resolved(std::move(options)), .diffusion = std::move(diffusion), .other = std::move(other)};
}

ReferenceClassifier reference_classifier(const json& flags) {
  auto [network, diffusion, other] = sort_flags(ReferenceFamily::classifier, flags);
  const auto size = network["image_size"].get<std::int64_t>();
  ClassifierOptions options;
  options.network.image_height = options.network.image_width = size;
  options.network.channels = network["classifier_width"].get<std::int64_t>();
  options.network.residual_blocks = network["classifier_depth"].get<std::int64_t>();
  options.network.channel_multipliers = published_multipliers(ReferenceFamily::classifier, size, "image_size");
  options.network.attention_resolutions = published_attention(
      "classifier_attention_resolutions", network["classifier_attention_resolutions"].get<std::string>(), size,
      options.network.channel_multipliers.size());
  options.network.head_channels = classifier_head_channels;
  options.network.scale_shift_norm = network["classifier_use_scale_shift_norm"].get<bool>();
  options.network.residual_resampling = network["classifier_resblock_updown"].get<bool>();
  options.classes = published_classes;
  options.pool = parse_classifier_pool(network["classifier_pool"].get<std::string>());
  return {.classifier = resolved(std::move(options)), .diffusion = std::move(diffusion), .other = std::move(other)};
}

}  // namespace iddpm
