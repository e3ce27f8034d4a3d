#include "iddpm/interchange/reference_conversion.h"

#include <algorithm>
#include <charconv>

#include "iddpm/core/error.h"
#include "iddpm/interchange/other_programs.h"
#include "iddpm/interchange/published_checkpoints.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/pytorch_checkpoint.h"
#include "iddpm/model/trained_classifier.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

DiffusionSettings diffusion_settings(const nlohmann::json& flags) {
  const bool learned = flags.at("learn_sigma").get<bool>();
  const Variance fixed = flags.value("sigma_small", false) ? Variance::fixed_small : Variance::fixed_large;
  DiffusionSettings settings;
  settings.schedule = flags.at("noise_schedule").get<std::string>();
  settings.steps = flags.at("diffusion_steps").get<std::int64_t>();
  settings.mean = flags.at("predict_xstart").get<bool>() ? Mean::x_0 : Mean::epsilon;
  settings.variance = learned ? Variance::learned_range : fixed;
  settings.rescale_timesteps = flags.at("rescale_timesteps").get<bool>();
  settings.objective = Objective::simple;
  if (flags.at("use_kl").get<bool>()) {
    settings.objective = Objective::vlb;
  } else if (learned && flags.at("rescale_learned_sigmas").get<bool>()) {
    settings.objective = Objective::hybrid;
  }
  return settings;
}

NamedTensors read_weights(const fs::path& path) {
  const bool readable = is_pytorch_checkpoint(path);
  const std::optional<std::string> other = readable ? std::nullopt : other_program(path);
  require(!other, ErrorKind::unsupported, "{} {}", path.string(), other.value_or(""));
  NamedTensors weights = read_pytorch_checkpoint(path);
  // What DistributedDataParallel puts before every name.
  const std::string wrapper = "module.";
  const bool wrapped = !weights.empty() && std::all_of(weights.begin(), weights.end(), [&](const auto& weight) {
    return weight.first.starts_with(wrapper);
  });
  for (auto& [name, tensor] : weights) {
    if (wrapped) name = name.substr(wrapper.size());
  }
  return weights;
}

NamedShapes shapes_of(const NamedTensors& weights) {
  NamedShapes shapes;
  for (const auto& [name, tensor] : weights) shapes.emplace_back(name, tensor.sizes().vec());
  return shapes;
}

// In the network's own order.
NamedTensors fitted_weights(NamedTensors weights, const NamedShapes& expected, const fs::path& path) {
  NamedShapes found;
  std::map<std::string, Tensor> by_name;
  for (const auto& [name, tensor] : weights) {
    found.emplace_back(name, tensor.sizes().vec());
    require(at::isFloatingType(tensor.scalar_type()), "{}: parameter {} has type {}; expected floating-point numbers",
            path.string(), quote(name), at::toString(tensor.scalar_type()));
    require(by_name.emplace(name, tensor).second, "{}: parameter {} is there twice", path.string(), quote(name));
  }
  const std::string misfit = describe_misfit(expected, found);
  require(misfit.empty(), "{} doesn't fit the network that the flags describe: {}", path.string(), misfit);
  NamedTensors fitted;
  for (const auto& [name, shape] : expected) fitted.emplace_back(name, by_name.at(name));
  return fitted;
}

// The published programs have 1000 classes by a constant, which their users change for their own data.
void adopt_classes(UNetOptions& network, const NamedTensors& weights) {
  if (network.classes == 0) return;
  for (const auto& [name, tensor] : weights) {
    if (name == "label_emb.weight" && tensor.dim() == 2 && tensor.size(0) > 0) network.classes = tensor.size(0);
  }
}

// "model500000.pt", "ema_0.9999_500000.pt": the number before the extension.
std::int64_t step_from_name(const fs::path& path) {
  const std::string stem = path.stem().string();
  if (!stem.starts_with("model") && !stem.starts_with("ema_")) return 0;
  const std::size_t begin = stem.find_last_not_of("0123456789") + 1;
  std::int64_t step = 0;
  const auto [end, error] = std::from_chars(stem.data() + begin, stem.data() + stem.size(), step);
  return error == std::errc() ? step : 0;
}

ReferenceReading reading_of(const ReferenceCheckpoint& reference, const NamedTensors& weights) {
  const auto published = find_published_checkpoint(reference.weights.filename().string());
  if (published && reference.flags.empty() && reference.family.value_or(published->family) == published->family) {
    return {.family = published->family, .flags = parse_reference_flags(published->flags), .published = true};
  }
  return {.family = reference.family.value_or(told_family(reference.flags, shapes_of(weights))),
          .flags = reference.flags};
}

nlohmann::json origin_of(const ReferenceCheckpoint& reference, const ReferenceReading& reading) {
  return {{"converted_from", reference.weights.filename().string()},
          {"family", name(reading.family)},
          {"flags", reading.flags}};
}

void write_model(const ReferenceCheckpoint& reference, const ReferenceReading& reading, NamedTensors raw,
                 const fs::path& output) {
  ModelSettings settings = reference_settings(reading.family, reading.flags);
  adopt_classes(settings.network, raw);
  const NamedShapes expected = UNet::parameter_shapes(settings.network);
  CheckpointWeights weights = {.raw = fitted_weights(std::move(raw), expected, reference.weights)};
  CheckpointInfo info = {.settings = settings,
                         .step = reference.step.value_or(step_from_name(reference.weights)),
                         .origin = origin_of(reference, reading)};
  if (reference.ema.has_value()) {
    require(reference.ema_rate > 0 && reference.ema_rate < 1, "EMA rate: expected a number between 0 and 1, got {}",
            reference.ema_rate);
    info.ema_rates = {reference.ema_rate};
    info.origin["ema_converted_from"] = reference.ema->filename().string();
    weights.emas.push_back(fitted_weights(read_weights(*reference.ema), expected, *reference.ema));
  }
  save_checkpoint(output, info, weights);
}

// The published classifiers have 1000 classes by a constant, too; every pool ends in a layer with one row for each.
void adopt_classes(ClassifierOptions& options, const NamedTensors& weights) {
  const std::map<ClassifierPool, std::string> last = {{ClassifierPool::adaptive, "out.3.weight"},
                                                      {ClassifierPool::attention, "out.2.c_proj.weight"},
                                                      {ClassifierPool::spatial, "out.2.weight"},
                                                      {ClassifierPool::spatial_v2, "out.3.weight"}};
  for (const auto& [name, tensor] : weights) {
    if (name == last.at(options.pool) && tensor.dim() > 1 && tensor.size(0) > 0) options.classes = tensor.size(0);
  }
}

void write_classifier(const ReferenceCheckpoint& reference, const ReferenceReading& reading, NamedTensors raw,
                      const fs::path& output) {
  require(!reference.ema.has_value(), "{} holds a classifier; expected no file of averaged weights beside it, got {}",
          reference.weights.string(), reference.ema.value_or("").string());
  const ReferenceClassifier described = reference_classifier(reading.flags);
  ClassifierInfo info;
  info.options = described.classifier;
  adopt_classes(info.options, raw);
  info.diffusion = diffusion_settings(described.diffusion);
  info.source = fmt::format("converted from {}", reference.weights.filename().string());
  info.steps = reference.step.value_or(step_from_name(reference.weights));
  const NamedTensors weights =
      fitted_weights(std::move(raw), NoisyClassifier::parameter_shapes(info.options), reference.weights);
  NoisyClassifier network(info.options);
  load_parameters(network.parameters(), weights, reference.weights.string());
  TrainedClassifier(info, network).save(output);
}

}  // namespace

ModelSettings reference_settings(ReferenceFamily family, const nlohmann::json& flags) {
  const ReferenceUNet reference = reference_unet(family, flags);
  ModelSettings settings = {.network = reference.network, .diffusion = diffusion_settings(reference.diffusion)};
  check(settings);
  return settings;
}

ReferenceReading convert_reference_checkpoint(const ReferenceCheckpoint& reference, const fs::path& output) {
  NamedTensors raw = read_weights(reference.weights);
  const std::optional<std::string> other = other_program(shapes_of(raw));
  require(!other, ErrorKind::unsupported, "{} {}", reference.weights.string(), other.value_or(""));
  const ReferenceReading reading = reading_of(reference, raw);
  if (reading.family == ReferenceFamily::classifier) {
    write_classifier(reference, reading, std::move(raw), output);
  } else {
    write_model(reference, reading, std::move(raw), output);
  }
  return reading;
}

}  // namespace iddpm
