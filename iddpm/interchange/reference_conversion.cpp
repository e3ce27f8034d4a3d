#include "iddpm/interchange/reference_conversion.h"

#include <algorithm>
#include <charconv>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/pytorch_checkpoint.h"

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
  NamedTensors weights = read_pytorch_checkpoint(path);
  // What DistributedDataParallel puts before every name.
  const std::string wrapper = "module.";
  const bool wrapped = !weights.empty() && std::all_of(weights.begin(), weights.end(), [&](const auto& weight) {
    return weight.first.starts_with(wrapper);
  });
  for (auto& [name, tensor] : weights) {
    if (wrapped) name = name.substr(wrapper.size());
    require(at::isFloatingType(tensor.scalar_type()), "{}: parameter {} has type {}; expected floating-point numbers",
            path.string(), quote(name), at::toString(tensor.scalar_type()));
  }
  return weights;
}

// In the network's own order.
NamedTensors fitted_weights(NamedTensors weights, const NamedShapes& expected, const fs::path& path) {
  NamedShapes found;
  std::map<std::string, Tensor> by_name;
  for (const auto& [name, tensor] : weights) {
    found.emplace_back(name, tensor.sizes().vec());
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

}  // namespace

ModelSettings reference_settings(ReferenceFamily family, const nlohmann::json& flags) {
  const ReferenceUNet reference = reference_unet(family, flags);
  ModelSettings settings = {.network = reference.network, .diffusion = diffusion_settings(reference.diffusion)};
  check(settings);
  return settings;
}

void convert_reference_checkpoint(const ReferenceCheckpoint& reference, const fs::path& output) {
  ModelSettings settings = reference_settings(reference.family, reference.flags);
  NamedTensors raw = read_weights(reference.weights);
  adopt_classes(settings.network, raw);
  const NamedShapes expected = UNet::parameter_shapes(settings.network);
  CheckpointWeights weights = {.raw = fitted_weights(std::move(raw), expected, reference.weights)};
  CheckpointInfo info = {.settings = settings,
                         .step = reference.step.value_or(step_from_name(reference.weights)),
                         .origin = {{"converted_from", reference.weights.filename().string()},
                                    {"family", name(reference.family)},
                                    {"flags", reference.flags}}};
  if (reference.ema.has_value()) {
    require(reference.ema_rate > 0 && reference.ema_rate < 1, "EMA rate: expected a number between 0 and 1, got {}",
            reference.ema_rate);
    info.ema_rates = {reference.ema_rate};
    info.origin["ema_converted_from"] = reference.ema->filename().string();
    weights.emas.push_back(fitted_weights(read_weights(*reference.ema), expected, *reference.ema));
  }
  save_checkpoint(output, info, weights);
}

}  // namespace iddpm
