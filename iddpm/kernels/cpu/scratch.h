#pragma once

#include <cstddef>

/// Temporary memory of the kernels, kept by each thread between calls: mapping and clearing fresh pages costs more than
/// many kernels.
namespace iddpm::kernels::cpu {

/// What a piece of scratch memory is for; pieces of different uses don't overlap.
enum class Scratch { primitive, reordered_weight, transformed_input, transformed_output, transformed_weight, count };

/// At least `bytes` bytes, aligned to 64, valid until this thread's next call for the same use. Uninitialised.
void* scratch(Scratch use, std::size_t bytes);

}  // namespace iddpm::kernels::cpu
