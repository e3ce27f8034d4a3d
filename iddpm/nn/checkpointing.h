#pragma once

#include <functional>
#include <vector>

#include "iddpm/core/tensor.h"

namespace iddpm {

/// Part of a network as a function of activations. Kept until backward has run: it must own what it uses.
using Segment = std::function<Tensor(const std::vector<Tensor>& inputs)>;

/// segment(inputs), without keeping its intermediate results for backward, which evaluates the segment again from the
/// inputs (gradient checkpointing, Chen et al. 2016, arXiv 1604.06174). The segment must be a pure function, so that
/// the gradients are those of the plain evaluation. `parameters` are the leaves that it uses besides its inputs.
Tensor checkpointed(Segment segment, const std::vector<Tensor>& inputs, const std::vector<Tensor>& parameters);

}  // namespace iddpm
