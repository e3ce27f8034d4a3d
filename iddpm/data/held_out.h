#pragma once

#include <cstdint>
#include <memory>

#include "iddpm/data/dataset.h"

namespace iddpm {

/// The images of a data set in two parts, each in the order of the whole.
struct HeldOutSplit {
  std::shared_ptr<const Dataset> training;
  std::shared_ptr<const Dataset> held_out;
};

/// Keeps a share of the images, between 0 and 1 and rounded up, from training; the seed says which. Throws Error if
/// none would be left.
HeldOutSplit hold_out(const std::shared_ptr<const Dataset>& whole, double share, std::uint64_t seed);

}  // namespace iddpm
