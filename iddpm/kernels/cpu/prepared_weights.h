#pragma once

#include <cstdint>
#include <functional>

#include "iddpm/core/tensor.h"

/// Weights in the form that a kernel wants (reordered, converted, transformed), made once as long as the weight stays
/// unchanged.
namespace iddpm::kernels::cpu {

/// Which form: equal numbers mean that `prepare` would give the same bytes for the same weight.
using WeightForm = std::uint64_t;

/// The prepared weight. Where `keep` holds, it is remembered until the weight's storage dies, and handed out again
/// while the weight's version counter stands: writing to a weight other than by LibTorch's in-place operations (or
/// kernels that bump the version) goes unnoticed. Where it doesn't hold, whatever was remembered of the weight is
/// forgotten: the weight is being trained.
Tensor prepared_weight(const Tensor& weight, WeightForm form, bool keep, const std::function<Tensor()>& prepare);

/// Forgets every form of the weight.
void forget_prepared(const Tensor& weight);

/// Is the weight remembered in that form already, or is there room for so many bytes more? For forms much larger than
/// the weight.
bool can_keep_weight(const Tensor& weight, WeightForm form, std::size_t bytes);

}  // namespace iddpm::kernels::cpu
