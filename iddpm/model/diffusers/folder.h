#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

/// Folders of models as Hugging Face's diffusers saves them (save_pretrained): what lies where in them.
namespace iddpm::diffusers {

/// Whether a folder holds a model of diffusers, or of the programs near it, of whatever kind.
bool is_model_folder(const std::filesystem::path& folder);

/// The weights of the U-Net of a pipeline's folder, of one saved flat, or of the U-Net's own folder:
/// "unet/diffusion_pytorch_model.safetensors", else ".bin". Throws Error saying what the folder holds if that is no
/// pixel-space model with UNet2DModel (a latent or text-to-image model, say), or which file isn't there.
std::filesystem::path weights_file(const std::filesystem::path& folder);

/// What lies around a file of weights that `weights_file` gave.
struct Surroundings {
  std::filesystem::path config;     ///< of the network
  std::filesystem::path scheduler;  ///< its configuration
  std::string pipeline = {};        ///< the class that model_index.json names; empty without that file
};

/// Unset unless a config.json of UNet2DModel lies beside the file. Throws Error if no scheduler's configuration does.
std::optional<Surroundings> surroundings(const std::filesystem::path& weights);

/// The JSON object in a configuration. Python's bare Infinity and NaN, which JSON has not, are null. Throws Error
/// naming the file.
nlohmann::json read_config(const std::filesystem::path& path);

}  // namespace iddpm::diffusers
