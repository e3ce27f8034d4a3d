#include "cli/sample/sample_request.h"

#include <algorithm>

#include "cli/options/respacing_option.h"
#include "cli/options/start_option.h"
#include "iddpm/core/error.h"
#include "iddpm/evaluation/likelihood/chosen_timesteps.h"
#include "iddpm/samplers/registry.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

ClassChoice chosen_classes(const SampleArguments& arguments, const ModelSettings& settings) {
  const std::int64_t classes = settings.network.classes;
  if (classes == 0) {
    require(arguments.classes.empty(), "--class {}: this model has no classes (it is unconditional)",
            arguments.classes.empty() ? "" : arguments.classes.front());
    require(!arguments.by_class, "--by-class: this model has no classes (it is unconditional)");
    return {};
  }
  ClassChoice choice;
  for (const std::string& name : arguments.classes) choice.classes.push_back(class_index(settings, name));
  if (arguments.by_class) {
    require(*arguments.count % classes == 0, "--by-class: --count {} is not divisible by the model's {} classes",
            *arguments.count, classes);
    require(arguments.classes.empty(), "--by-class draws every class; leave out --class");
    choice.order = ClassOrder::in_blocks;
  }
  return choice;
}

}  // namespace

fs::path output_folder(const SampleArguments& arguments, const ChosenEdit& edit) {
  if (!arguments.out.empty()) return arguments.out;
  const std::string& name = edit.folder_name;
  if (fs::is_directory(arguments.model)) {
    const std::string seed = edit.interpolation ? "" : fmt::format("seed_{}", arguments.seed);
    return arguments.model / "samples" / fmt::format("{}{}{}", name, name.empty() || seed.empty() ? "" : "_", seed);
  }
  return fmt::format("{}-samples{}{}", arguments.model.stem().string(), name.empty() ? "" : "-", name);
}

DrawRequest draw_request(const SampleArguments& arguments, const Model& model, const ChosenEdit& edit,
                         const ChosenLowResolution& low_resolution) {
  DrawRequest request{
      .first = arguments.first,
      .count = *arguments.count,
      .seed = arguments.seed,
      .classes = chosen_classes(arguments, model.settings()),
      .sampler = arguments.sampler,
      .sampler_options = arguments.sampler_options,
      .steps = arguments.steps.value_or(default_steps(arguments.sampler, model.settings().diffusion.steps)),
      .start = chosen_start(arguments.start, model),
      .edit = edit.edit,
      .interpolation = edit.interpolation,
      .batch = arguments.batch};
  request.low_resolution = low_resolution.images;
  request.low_resolution_noise = low_resolution.noise;
  request.guidance = chosen_guidance(arguments.guidance, model, arguments.weights, arguments.compute);
  request.timesteps = chosen_timesteps(model, *request.steps);
  return request;
}

nlohmann::json settings_of(const SampleArguments& arguments, const DrawRequest& request, const Model& model,
                           const ChosenEdit& edit, const std::vector<std::int64_t>& timesteps) {
  nlohmann::json settings = {{"model", model.path().string()},
                             {"step", model.info().step},
                             {"weights", model.weights()},
                             {"weights_crc32c", fmt::format("{:08x}", model.checksum().value_or(0))},
                             {"count", request.count},
                             {"first_image", request.first},
                             {"seed", request.seed},
                             {"sampler", request.sampler},
                             {"sampling", describe_sampler(request.sampler, request.sampler_options)},
                             {"start", arguments.start},
                             {"guidance", guidance_record(request.guidance)},
                             {"steps", *request.steps},
                             {"timesteps", timesteps},
                             {"precision", name(model.precision())},
                             {"device", model.device().str()},
                             {"npz", arguments.npz.string()},
                             {"film", arguments.film.string()},
                             {"grid_only", arguments.grid_only}};
  settings.update(edit.settings);
  // The options that have a meaning, "eta" of ddim say, as numbers too.
  const std::vector<SamplerOption>& known = find_sampler(request.sampler).options;
  visit_sampler_options(
      request.sampler_options, [&]<typename Value>(const char* option, const std::optional<Value>& value, const char*) {
        const auto entry = std::find_if(known.begin(), known.end(),
                                        [&](const SamplerOption& candidate) { return candidate.name == option; });
        if (value) {
          settings[option] = *value;
        } else if (entry != known.end() && entry->told_always) {
          settings[option] = static_cast<Value>(entry->otherwise);
        }
      });
  if (model.has_classes()) {
    settings["classes"] = request.classes.classes;
    settings["by_class"] = arguments.by_class;
  }
  return settings;
}

}  // namespace iddpm::cli
