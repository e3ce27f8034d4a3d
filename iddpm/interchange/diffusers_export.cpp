#include "iddpm/interchange/diffusers_export.h"

#include "iddpm/core/error.h"
#include "iddpm/interchange/known_options.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/model/diffusers/scheduler_config.h"
#include "iddpm/model/diffusers/unet_config.h"
#include "iddpm/model/diffusers/weight_names.h"
#include "iddpm/model/model.h"
#include "iddpm/version.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_classes_listed = 1000;

std::string json_file(const nlohmann::json& json) { return json.dump(2) + "\n"; }

// A name in Markdown's tables and lists, where some characters mean something.
std::string plain_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool means_something = c == '|' || c == '`' || c == '*' || c == '_' || c == '<' || c == '[' || c == '\\';
    if (means_something) result += '\\';
    result += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  }
  return result;
}

}  // namespace

std::string model_card(const Checkpoint& checkpoint, const WeightChoice& choice, const std::string& name) {
  const CheckpointInfo& info = checkpoint.info();
  const UNetOptions& network = info.settings.network;
  const bool has_classes = network.classes > 0;
  std::string card =
      "---\nlibrary_name: diffusers\npipeline_tag: unconditional-image-generation\ntags:\n- diffusers\n- pytorch\n"
      "- ddpm\n- unconditional-image-generation\n---\n\n";
  card += fmt::format("# {}\n\n", plain_text(name));
  card += fmt::format(
      "A denoising diffusion model (Ho et al. 2020, arXiv 2006.11239; Nichol and Dhariwal 2021, arXiv 2102.09672) of "
      "{} x {} images (height x width) with {} channel{}{}.\n\n",
      network.image_height, network.image_width, network.image_channels, network.image_channels == 1 ? "" : "s",
      has_classes ? fmt::format(" and {} classes", network.classes) : "");
  card += fmt::format("| | |\n|---|---|\n| parameters | {} |\n| training steps | {} |\n| weights | {} |\n",
                      checkpoint.parameters(), info.step, weights_name(checkpoint.chosen_rate(choice)));
  card += fmt::format("| noise schedule | {}, {} timesteps |\n| predicts | {} |\n| variance | {} |\n",
                      info.settings.diffusion.schedule, info.settings.diffusion.steps,
                      iddpm::name(info.settings.diffusion.mean), iddpm::name(info.settings.diffusion.variance));
  card += fmt::format("| exported by | iddpm {} |\n\n", version);
  if (has_classes) {
    card +=
        "DDPMPipeline passes no class to the network: call `pipeline.unet(x, t, class_labels=...)` in a loop of "
        "your own.\n\n";
    const std::vector<std::string>& names = info.settings.class_names;
    if (!names.empty()) card += "Classes:\n\n";
    for (std::size_t i = 0; i < std::min(names.size(), most_classes_listed); ++i) {
      card += fmt::format("{}. {}\n", i, plain_text(names[i]));
    }
    if (names.size() > most_classes_listed)
      card += fmt::format("\n... and {} more\n", names.size() - most_classes_listed);
    if (!names.empty()) card += "\n";
  } else {
    card +=
        "```python\nfrom diffusers import DDPMPipeline\n\npipeline = DDPMPipeline.from_pretrained(\".\")\n"
        "pipeline(batch_size=4).images[0].save(\"image.png\")\n```\n\n";
  }
  card +=
      "Who trained it on which images, under which licence it may be used, and what it must not be used for: to be "
      "filled in by its author.\n";
  return card;
}

void export_to_diffusers(const Checkpoint& checkpoint, const WeightChoice& choice, const fs::path& folder) {
  const ModelSettings& settings = checkpoint.info().settings;
  refuse_options_unknown_to_exports(settings.network, "diffusers' UNet2DModel");
  const nlohmann::json unet = diffusers::write_unet_config(settings.network);
  const nlohmann::json scheduler = diffusers::write_scheduler_config(settings.diffusion);
  const NamedTensors weights = diffusers::their_weights(resolved(settings.network), checkpoint.weights(choice));
  std::error_code error;
  for (const char* inner : {"unet", "scheduler"}) {
    fs::create_directories(folder / inner, error);
    require(!error, "cannot make the folder {}: {}", (folder / inner).string(), error.message());
  }
  write_safetensors(folder / "unet" / "diffusion_pytorch_model.safetensors", weights, {{"format", "pt"}});
  write_file_atomically(folder / "unet" / "config.json", json_file(unet));
  write_file_atomically(folder / "scheduler" / "scheduler_config.json", json_file(scheduler));
  write_file_atomically(folder / "README.md",
                        model_card(checkpoint, choice, fs::absolute(folder).lexically_normal().filename().string()));
  const nlohmann::json index = {{"_class_name", "DDPMPipeline"},
                                {"unet", {"diffusers", "UNet2DModel"}},
                                {"scheduler", {"diffusers", "DDPMScheduler"}}};
  write_file_atomically(folder / "model_index.json", json_file(index));
}

}  // namespace iddpm
