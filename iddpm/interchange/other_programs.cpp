#include "iddpm/interchange/other_programs.h"

#include <algorithm>

#include "iddpm/io/input_file.h"

namespace iddpm {
namespace {

bool has_part(const NamedShapes& parameters, const std::string& part) {
  return std::any_of(parameters.begin(), parameters.end(),
                     [&](const auto& parameter) { return parameter.first.find(part) != std::string::npos; });
}

}  // namespace

std::optional<std::string> other_program(const NamedShapes& parameters) {
  if (has_part(parameters, "init_conv.weight") && has_part(parameters, "downs.0.0.block1.")) {
    return "is a checkpoint of lucidrains' denoising-diffusion-pytorch; reading it would need that program's network "
           "(root-mean-square norms, linear attention, attention memory), which isn't the U-Net of this one";
  }
  if (has_part(parameters, "model.map_layer0.weight") && has_part(parameters, "model.enc.")) {
    return "is a network of NVlabs' EDM; reading it would need its process (continuous noise levels, preconditioning) "
           "and the resampling filters of its DDPM++ and ADM networks, which aren't in this program";
  }
  return std::nullopt;
}

std::optional<std::string> other_program(const std::filesystem::path& path) {
  constexpr std::uint64_t looked_at = std::uint64_t{1} << 16;
  const InputFile file(path);
  const std::string beginning = file.read_at(0, std::min(looked_at, file.size()));
  if (!beginning.starts_with('\x80') || beginning.find("torch_utils.persistence") == std::string::npos) {
    return std::nullopt;
  }
  return "is a pickle of NVlabs' EDM, which holds the Python code of its network; code from files is never executed "
         "here, so reading it would need its weights saved by torch.save(net.state_dict()), and then its process "
         "(continuous noise levels, preconditioning), which isn't in this program";
}

}  // namespace iddpm
