#include "iddpm/model/diffusers/folder.h"

#include <algorithm>
#include <array>

#include "iddpm/core/error.h"
#include "iddpm/core/quote.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/atomic_file.h"

namespace iddpm::diffusers {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t longest_config = std::uintmax_t{1} << 24;
constexpr const char* network_class = "UNet2DModel";
constexpr const char* index_name = "model_index.json";
constexpr const char* config_name = "config.json";
constexpr const char* scheduler_name = "scheduler_config.json";
constexpr std::array weight_names = {"diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"};

// Pipelines whose network is asked for epsilon, x_0 or v at a timestep, as ours is.
constexpr std::array known_pipelines = {"DDPMPipeline", "DDIMPipeline", "PNDMPipeline"};

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string class_of(const nlohmann::json& config) {
  const auto found = config.find("_class_name");
  return found != config.end() && found->is_string() ? found->get<std::string>() : "";
}

// What a pipeline's parts say of its kind, for people; empty for a pixel-space model.
std::string other_kind(const nlohmann::json& index) {
  if (index.contains("vae") || index.contains("vqvae") || index.contains("movq")) {
    const bool told_text = index.contains("text_encoder") || index.contains("tokenizer") || index.contains("bert");
    return told_text ? "a text-to-image model in a latent space" : "a latent diffusion model";
  }
  if (index.contains("text_encoder") || index.contains("tokenizer")) return "a text-to-image model";
  if (index.contains("mel")) return "a model of sounds";
  return {};
}

void check_pipeline(const nlohmann::json& index, const fs::path& folder) {
  const std::string pipeline = class_of(index);
  const std::string kind = other_kind(index);
  require(kind.empty(), ErrorKind::unsupported,
          "{} holds {} ({}); expected one of pixels: a DDPMPipeline or DDIMPipeline with a {}", folder.string(), kind,
          quote(pipeline), network_class);
  require(std::find(known_pipelines.begin(), known_pipelines.end(), pipeline) != known_pipelines.end(),
          ErrorKind::unsupported, "{} holds a {}, whose noise follows another process; expected one of {}",
          folder.string(), quote(pipeline), fmt::join(known_pipelines, ", "));
  const auto unet = index.find("unet");
  require(unet != index.end() && unet->is_array() && unet->size() == 2, ErrorKind::unsupported,
          "{} names no U-Net; expected a {}", (folder / index_name).string(), network_class);
  const nlohmann::json& network = unet->back();
  require(network.is_string() && network.get<std::string>() == network_class, ErrorKind::unsupported,
          "{} has a U-Net of the kind {}; expected {}", folder.string(), json_text(network), network_class);
}

void check_network_class(const nlohmann::json& config, const fs::path& path) {
  const std::string found = class_of(config);
  require(!found.empty() || !config.contains("architectures"), ErrorKind::unsupported,
          "{} describes a model of transformers ({}), which is no diffusion model of images; expected {}",
          path.string(), json_text(config.value("architectures", nlohmann::json())), network_class);
  require(found == network_class, ErrorKind::unsupported, "{} describes a network of the class {}; expected {}",
          path.string(), quote(found), network_class);
}

fs::path weights_beside(const fs::path& config) {
  const fs::path folder = config.parent_path();
  for (const char* name : weight_names) {
    if (is_there(folder / name)) return folder / name;
  }
  require(!is_there(folder / "diffusion_pytorch_model.safetensors.index.json"), ErrorKind::unsupported,
          "{} holds its weights in several files; expected one, {}", folder.string(), weight_names.front());
  fail("{} holds no weights; expected {}", folder.string(), fmt::join(weight_names, " or "));
}

// Python writes numbers that JSON has not as bare words.
std::string without_bare_words(const std::string& text) {
  std::string result;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    if (in_string && text[i] == '\\' && i + 1 < text.size()) {
      result.append(text, i, 2);
      i += 2;
      continue;
    }
    if (text[i] == '"') in_string = !in_string;
    std::size_t length = 0;
    for (const std::string_view word : {"-Infinity", "Infinity", "NaN"}) {
      if (!in_string && text.compare(i, word.size(), word) == 0) length = word.size();
      if (length > 0) break;
    }
    if (length > 0) {
      result += "null";
      i += length;
    } else {
      result += text[i++];
    }
  }
  return result;
}

}  // namespace

bool is_model_folder(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return false;
  if (is_there(folder / index_name)) return true;
  if (!is_there(folder / config_name)) return false;
  try {
    const nlohmann::json config = read_config(folder / config_name);
    return config.contains("_class_name") || config.contains("architectures");
  } catch (const Error&) {
    return false;  // a folder of anything else
  }
}

fs::path weights_file(const fs::path& folder) {
  fs::path config = folder / config_name;
  if (is_there(folder / index_name)) {
    check_pipeline(read_config(folder / index_name), folder);
    if (is_there(folder / "unet" / config_name)) config = folder / "unet" / config_name;
    require(is_there(config), "{} holds no configuration of its U-Net; expected unet/{}", folder.string(), config_name);
  }
  check_network_class(read_config(config), config);
  return weights_beside(config);
}

std::optional<Surroundings> surroundings(const fs::path& weights) {
  const fs::path folder = weights.parent_path();
  const fs::path config = folder / config_name;
  if (!is_there(config) || class_of(read_config(config)) != network_class) return std::nullopt;
  const fs::path above = folder.parent_path();
  // Flat, or the U-Net's folder within a pipeline's.
  for (const auto& [place, scheduler] :
       {std::pair(folder, folder / scheduler_name), std::pair(folder, folder / "scheduler" / scheduler_name),
        std::pair(above, above / "scheduler" / scheduler_name)}) {
    if (!is_there(scheduler)) continue;
    Surroundings found{.config = config, .scheduler = scheduler};
    if (is_there(place / index_name)) found.pipeline = class_of(read_config(place / index_name));
    return found;
  }
  fail(
      "{} has no {} beside it or in a folder 'scheduler'; without it nobody knows which noise the network was trained "
      "on",
      config.string(), scheduler_name);
}

nlohmann::json read_config(const fs::path& path) {
  nlohmann::json json = parse_json(without_bare_words(read_file(path, longest_config)), path.string());
  require(json.is_object(), "{}: expected a JSON object, got {}", path.string(), json_text(json));
  return json;
}

}  // namespace iddpm::diffusers
