#pragma once

#include <string>
#include <utility>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// Names and parameters of a network, in the order of the published code's state dictionary and with its names
/// ("input_blocks.1.0.in_layers.0.weight"), so that checkpoints can be exchanged without a map.
using NamedParameters = std::vector<std::pair<std::string, Tensor>>;

/// The same without the numbers: what a checkpoint must hold.
using NamedShapes = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;

/// Copies `source` into the parameters of the same names (without gradient; types and devices are converted). Throws
/// Error naming the first that is missing, unknown, given twice, of another shape or not of floating-point numbers;
/// then nothing has been copied. `where` begins the error's sentence (the file's name, say).
void load_parameters(const NamedParameters& parameters, const NamedParameters& source, const std::string& where);

/// The same check alone, of shapes (of parameters on the meta device, say): throws Error as `load_parameters` does.
void check_parameters(const NamedParameters& parameters, const NamedParameters& source, const std::string& where);

/// Number of scalars.
std::int64_t count(const NamedParameters& parameters);
std::int64_t count(const NamedShapes& shapes);

}  // namespace iddpm
