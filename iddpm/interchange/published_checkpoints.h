#pragma once

#include <optional>
#include <string>
#include <vector>

#include "iddpm/interchange/reference_flags.h"
#include "iddpm/nn/module.h"

namespace iddpm {

/// A checkpoint that openai/improved-diffusion or openai/guided-diffusion publishes, with the flags of its README.
struct PublishedCheckpoint {
  const char* file;  ///< its name
  ReferenceFamily family = ReferenceFamily::improved;
  const char* flags = "";
};

/// All of them.
const std::vector<PublishedCheckpoint>& published_checkpoints();

/// The one of a file's name, without folders.
std::optional<PublishedCheckpoint> find_published_checkpoint(const std::string& file_name);

/// Whose program a command line is from: by flags that only one of them has. Unset if there is none.
std::optional<ReferenceFamily> family_of_flags(const nlohmann::json& flags);

/// The same by the parameters of a file: an attention pool is a classifier's, residual blocks that resample are
/// guided-diffusion's, a first convolution of twice the output's image channels is super-resolution's. Unset where they
/// don't tell.
std::optional<ReferenceFamily> family_of_parameters(const NamedShapes& parameters);

/// The family of a checkpoint's flags, told by its flags, then by its parameters, then improved: the two projects'
/// defaults differ.
ReferenceFamily told_family(const nlohmann::json& flags, const NamedShapes& parameters);

}  // namespace iddpm
