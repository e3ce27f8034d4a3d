#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "iddpm/nn/module.h"

namespace iddpm {

/// What a checkpoint of a program whose networks aren't read here is, and what reading it would take: a sentence that
/// follows the file's name. Known by the parameters' names: lucidrains' denoising-diffusion-pytorch, NVlabs' EDM. Unset
/// for anything else.
std::optional<std::string> other_program(const NamedShapes& parameters);

/// The same of a file that is no checkpoint of torch.save: EDM's .pkl, which hold Python code that is never executed.
/// Looks at the file's beginning only.
std::optional<std::string> other_program(const std::filesystem::path& path);

}  // namespace iddpm
