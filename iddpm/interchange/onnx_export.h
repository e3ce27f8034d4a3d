#pragma once

#include <filesystem>

#include "iddpm/model/checkpoint.h"

namespace iddpm {

/// Writes a model's network as an ONNX file (operator set 17, float32), atomically. Inputs: `x` [batch, C, H, W], `t`
/// float32 [batch] (what the network sees of a timestep: t, or t * 1000 / T where the process rescales them), with
/// classes `y` int64 [batch] (-1: none), for super-resolution `low_resolution` [batch, C, h, w]. Output: `output`
/// [batch, C or 2 C, H, W]. Height and width are those of the model's images. The metadata's key `iddpm` holds the
/// model's settings as JSON. Throws Error if the program was built without libonnx, or, saying why, if the network
/// can't be expressed or is too large for one file.
void export_to_onnx(const Checkpoint& checkpoint, const WeightChoice& choice, const std::filesystem::path& path);

}  // namespace iddpm
