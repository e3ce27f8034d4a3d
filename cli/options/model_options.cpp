#include "cli/options/model_options.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "cli/options/values.h"
#include "iddpm/core/error.h"

namespace iddpm::cli {
namespace {

constexpr const char* architecture_group = "Architecture (overrides the preset)";
constexpr const char* diffusion_group = "Diffusion process (overrides the preset)";

std::int64_t parse_extent(const std::string& text, const std::string& whole) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(error == std::errc{} && end == text.data() + text.size() && value >= 1 && value <= 8192,
          "expected pixels from 1 to 8192 as SIZE or HEIGHTxWIDTH, got '{}'", whole);
  return value;
}

ImageSize parse_image_size(const std::string& text) {
  const auto separator = text.find('x');
  const std::int64_t height = parse_extent(text.substr(0, separator), text);
  const std::int64_t width = separator == std::string::npos ? height : parse_extent(text.substr(separator + 1), text);
  return {.height = height, .width = width, .channels = {}};
}

const Preset& base_preset(const ModelOptions& options) {
  return find_preset(options.preset.empty() ? "small" : options.preset);
}

template <typename Value>
void set_if(Value& target, const std::optional<Value>& value) {
  if (value) target = *value;
}

// The weight of the squared error that was chosen with a preset goes where it has no meaning; one that was asked for is
// checked with the rest of the settings.
void override_weighting(DiffusionSettings& diffusion, const ModelOptions& options) {
  LossWeighting& weighting = diffusion.weighting;
  const bool squared_error = diffusion.objective == Objective::simple || diffusion.objective == Objective::hybrid;
  if (!options.diffusion.given("loss_weight") && (!squared_error || diffusion.mean == Mean::previous_x)) {
    weighting.weight = LossWeight::prediction;
  }
  const bool has_floor = weighting.weight != LossWeight::prediction && diffusion.mean != Mean::epsilon;
  require(has_floor || !options.diffusion.given("loss_weight_floor"),
          "--loss-weight-floor has no effect on a prediction of {} with the loss weight {}", name(diffusion.mean),
          name(weighting.weight));
  require(weighting.weight == LossWeight::min_snr || !options.diffusion.given("snr_limit"),
          "--snr-limit is of the loss weight min_snr; the loss weight is {}", name(weighting.weight));
}

void override_diffusion(DiffusionSettings& diffusion, const ModelOptions& options) {
  options.diffusion.apply_to(diffusion);
  if (!options.diffusion.given("objective") && !is_learned(diffusion.variance) &&
      diffusion.objective == Objective::hybrid) {
    diffusion.objective = Objective::simple;  // there is no variance for the vb term to teach
  }
  override_weighting(diffusion, options);
}

// Options that others leave without effect.
void refuse_idle_architecture(const UNetOptions& network, const FieldOptions& given) {
  const auto refuse = [&](const char* field, const char* option, const std::string& why) {
    if (given.given(field)) throw UsageError(fmt::format("{} has no effect {}", option, why));
  };
  if (network.head_channels > 0) {
    const std::string why = fmt::format("with {} channels per head (--head-channels)", network.head_channels);
    refuse("heads", "--heads", why);
    refuse("heads_upsample", "--heads-upsample", why);
  }
  if (network.low_resolution == 0) {
    refuse("low_resolution_noise_varies", "--low-resolution-noise-varies", "without --super-resolution");
  }
  if (network.residual_resampling) {
    refuse("convolutional_resampling", "--conv-resample", "with --residual-resample, whose blocks resample");
  }
}

void fit_classes(Preset& preset, const ModelOptions& options, const Dataset& dataset) {
  const auto& names = dataset.class_names();
  const bool wanted =
      options.class_conditional || preset.model.network.classes > 0 || (preset.classes_from_data && !names.empty());
  if (options.unconditional || !wanted) {
    preset.model.network.classes = 0;
    preset.model.class_names.clear();
    return;
  }
  require(!names.empty(),
          "{} needs classes, but the data have none; --labels says where they are, --unconditional goes without",
          options.class_conditional ? std::string("--class-conditional") : "preset '" + preset.name + "'");
  preset.model.network.classes = static_cast<std::int64_t>(names.size());
  preset.model.class_names = names;
}

// The options of these groups that were given, and those of the model that stand elsewhere.
std::vector<std::string> given_model_options(const CLI::App& verb) {
  std::vector<std::string> given;
  for (const CLI::Option* option : verb.get_options()) {
    const std::string group = option->get_group();
    const std::string name = option->get_name();
    const bool of_the_model = group == architecture_group || group == diffusion_group || name == "--preset" ||
                              name == "--unconditional" || name == "--class-conditional";
    if (of_the_model && option->count() > 0) given.push_back(name);
  }
  return given;
}

// What fine-tuning may change made equal.
ModelSettings without_free_choices(ModelSettings model) {
  model.network.dropout = 0;
  model.network.class_dropout = 0;
  model.network.checkpointing = false;
  model.diffusion.objective = {};
  model.diffusion.weighting = {};
  return model;
}

}  // namespace

ModelSettings changed_settings(const CLI::App& verb, const ModelOptions& options, const ModelSettings& model,
                               const std::string& preset, ModelChanges allowed) {
  const std::vector<std::string> given = given_model_options(verb);
  if (given.empty()) return model;
  ModelSettings changed = model;
  options.network.apply_to(changed.network);
  if (options.no_attention) changed.network.attention_resolutions.clear();
  if (options.image_size) {
    const ImageSize size = parse_image_size(*options.image_size);
    changed.network.image_height = *size.height;
    changed.network.image_width = *size.width;
  }
  set_if(changed.network.image_channels, options.image_channels);
  override_diffusion(changed.diffusion, options);
  bool same = options.preset.empty() || options.preset == preset;
  if (allowed == ModelChanges::none) {
    same = same && changed == model && !(options.unconditional && model.network.classes > 0) &&
           !(options.class_conditional && model.network.classes == 0);
  } else {
    same = same && without_free_choices(changed) == without_free_choices(model);
  }
  require(same, "{}: {}; expected none of these options, or as the model has them", fmt::join(given, ", "),
          allowed == ModelChanges::none
              ? "--resume goes on with the run's own model (a new run can begin from its weights, with --from)"
              : "--from goes on with a model's own network and process");
  return changed;
}

void check_image_size(const std::string& text) { (void)parse_image_size(text); }

void add_model_options(CLI::App& verb, ModelOptions& options) {
  verb.add_option("--preset", options.preset,
                  fmt::format("Start from the choices of: {}", fmt::join(preset_names(), ", ")))
      ->check(one_of(preset_names()));
  const auto architecture = [&](const char* name, auto& value, const char* help) {
    return verb.add_option(name, value, help)->group(architecture_group);
  };
  architecture("--image-size", options.image_size, "SIZE or HEIGHTxWIDTH in pixels (default: the data's, at most 64)")
      ->check(understood_by(check_image_size));
  architecture("--image-channels", options.image_channels, "1 grey, 3 RGB, 4 RGBA (default: the data's)")
      ->check(one_of({"1", "3", "4"}));
  options.network.add_to<UNetOptions>(verb, architecture_group);
  verb.add_flag("--no-attention", options.no_attention, "Attention in the middle only")
      ->group(architecture_group)
      ->excludes(verb.get_option("--attention"));
  options.diffusion.add_to<DiffusionSettings>(verb, diffusion_group);
  auto* unconditional = verb.add_flag("--unconditional", options.unconditional, "Ignore the data's classes");
  verb.add_flag("--class-conditional", options.class_conditional, "Use the data's classes")->excludes(unconditional);
}

ImageSize asked_image_size(const ModelOptions& options) {
  ImageSize size;
  if (!options.preset.empty()) {
    const UNetOptions& network = find_preset(options.preset).model.network;
    size = {network.image_height, network.image_width, network.image_channels};
  }
  if (options.image_size) {
    const ImageSize asked = parse_image_size(*options.image_size);
    size.height = asked.height;
    size.width = asked.width;
  }
  if (options.image_channels) size.channels = options.image_channels;
  return size;
}

Preset chosen_preset(const ModelOptions& options, const Dataset* dataset) {
  Preset preset = base_preset(options);
  UNetOptions& network = preset.model.network;
  const std::int64_t preset_height = network.image_height;
  const std::int64_t preset_width = network.image_width;
  if (dataset != nullptr) {
    const auto shape = dataset->image_shape();
    network.image_channels = shape[0];
    network.image_height = shape[1];
    network.image_width = shape[2];
    fit_classes(preset, options, *dataset);
  } else {
    const ImageSize size = asked_image_size(options);
    set_if(network.image_height, size.height);
    set_if(network.image_width, size.width);
    set_if(network.image_channels, size.channels);
    if (options.unconditional) network.classes = 0;
  }
  // Levels and attention were chosen for the preset's size: for another one, anew.
  if (network.image_height != preset_height || network.image_width != preset_width) {
    const std::int64_t shorter = std::min(network.image_height, network.image_width);
    const std::int64_t preset_shorter = std::min(preset_height, preset_width);
    network.channel_multipliers.clear();  // as many levels as both sides allow
    const std::int64_t smallest = shorter / stride(network);
    std::vector<std::int64_t>& attention = network.attention_resolutions;
    if (shorter != preset_shorter) {
      attention.clear();
      for (std::int64_t resolution = shorter / 2; resolution >= smallest; resolution /= 2) {
        if (resolution <= 16 && resolution >= 4) attention.push_back(resolution);
      }
    } else {
      std::erase_if(attention, [&](std::int64_t resolution) { return resolution < smallest; });
    }
  }
  options.network.apply_to(network);
  refuse_idle_architecture(network, options.network);
  network.super_resolution = network.low_resolution > 0;
  if (network.super_resolution && options.network.given("low_resolution")) {
    constexpr double usual_most_noise = 0.3;
    if (!options.network.given("low_resolution_noise")) network.low_resolution_noise = usual_most_noise;
    if (!options.network.given("low_resolution_noise_varies")) {
      network.low_resolution_noise_varies = network.low_resolution_noise > 0.0;
    }
  }
  if (options.no_attention) network.attention_resolutions.clear();
  override_diffusion(preset.model.diffusion, options);
  network.predict_variance = is_learned(preset.model.diffusion.variance);
  network = resolved(network);
  return preset;
}

}  // namespace iddpm::cli
