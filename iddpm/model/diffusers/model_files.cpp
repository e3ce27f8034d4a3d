#include "iddpm/model/diffusers/model_files.h"

#include "iddpm/core/error.h"
#include "iddpm/io/pytorch_checkpoint.h"
#include "iddpm/model/diffusers/scheduler_config.h"
#include "iddpm/model/diffusers/unet_config.h"
#include "iddpm/model/diffusers/weight_names.h"

namespace iddpm::diffusers {
namespace {

NamedTensors read_weights(const std::filesystem::path& path) {
  if (path.extension() == ".bin" || is_pytorch_checkpoint(path)) return read_pytorch_checkpoint(path);
  const SafetensorsFile file(path);
  file.require_memory_for_all();
  NamedTensors tensors;
  for (const std::string& name : file.names()) tensors.emplace_back(name, file.tensor(name));
  return tensors;
}

std::string text_of(const nlohmann::json& config, const char* name, const std::string& otherwise) {
  const auto found = config.find(name);
  return found != config.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

}  // namespace

LoadedModel load_model(const std::filesystem::path& weights, const Surroundings& surroundings) {
  const nlohmann::json config = read_config(surroundings.config);
  const nlohmann::json scheduler = read_config(surroundings.scheduler);
  const UNetConfig unet = read_unet_config(config, surroundings.config.string());
  const SchedulerConfig process =
      read_scheduler_config(scheduler, unet.options.predict_variance, surroundings.scheduler.string());
  LoadedModel model;
  model.settings = {.network = unet.options, .diffusion = process.diffusion};
  check(model.settings);
  model.weights = our_weights(unet.options, unet.sines_first, read_weights(weights), weights.string());
  model.program = "diffusers " + text_of(config, "_diffusers_version", "or a program beside it");
  model.origin = {{"scheduler", text_of(scheduler, "_class_name", "DDPMScheduler")}};
  if (!surroundings.pipeline.empty()) model.origin["pipeline"] = surroundings.pipeline;
  if (!process.sampling.empty()) model.origin["sampling"] = process.sampling;
  return model;
}

}  // namespace iddpm::diffusers
