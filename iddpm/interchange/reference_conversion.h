#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "iddpm/interchange/reference_flags.h"
#include "iddpm/model/checkpoint.h"

namespace iddpm {

/// The model that a command line of the published programs describes; "other" flags (training, precision) are passed
/// over. Throws Error naming a flag that is unknown, of the wrong type, or impossible.
ModelSettings reference_settings(ReferenceFamily family, const nlohmann::json& flags);

/// Checkpoints of the published programs, to be made a model file of ours.
struct ReferenceCheckpoint {
  std::filesystem::path weights;                  ///< the .pt file: raw weights, or an average that stands alone
  std::optional<std::filesystem::path> ema = {};  ///< the .pt file of an average beside the raw weights
  double ema_rate = 0.9999;                       ///< its rate
  /// Unset: that of a published checkpoint of the file's name, or told by the flags and the weights.
  std::optional<ReferenceFamily> family = {};
  /// As parse_reference_flags gives them. None: those of the published checkpoint of the file's name, if it is one.
  nlohmann::json flags = nlohmann::json::object();
  std::optional<std::int64_t> step = {};  ///< unset: as the file's name ends ("ema_0.9999_500000.pt"), or 0
};

/// What a checkpoint was taken for.
struct ReferenceReading {
  ReferenceFamily family = ReferenceFamily::improved;
  nlohmann::json flags = {};
  bool published = false;  ///< known by its name
};

/// Reads the weights and writes them as a model file, or as the file of a classifier of noisy images. Throws Error,
/// with nothing written, if they don't fit the network that the flags describe: it counts and names the parameters that
/// are missing, unexpected or of another shape, and the flag that is probably wrong; and, saying what it is, for a
/// checkpoint of a program that isn't read here.
ReferenceReading convert_reference_checkpoint(const ReferenceCheckpoint& reference,
                                              const std::filesystem::path& output);

/// How a file's weights differ from what a network needs, in words with a hint; empty if they don't.
std::string describe_misfit(const NamedShapes& expected, const NamedShapes& found);

}  // namespace iddpm
