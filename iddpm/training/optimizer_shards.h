#pragma once

#include <cstdint>
#include <vector>

#include "iddpm/processes/process_group.h"
#include "iddpm/training/optimizer.h"

namespace iddpm {

/// Which process keeps the moments and averages of which parameters, so that each keeps its share only (ZeRO stage 1:
/// Rajbhandari et al. 2020, arXiv 1910.02054). Whole parameters, neighbours together, about as many scalars each.
class OptimizerShards {
 public:
  OptimizerShards(const NamedParameters& parameters, ProcessGroup& group);

  bool owns(std::size_t parameter) const { return owners_[parameter] == group_.rank(); }
  const std::vector<std::int64_t>& owners() const { return owners_; }

  /// Lets go of the moments and averages that others keep.
  void keep_own(OptimizerState& state) const;
  /// After a step, in which each process updated its own: all parameters become those of their owners.
  void exchange(const NamedParameters& parameters) const;
  /// All of a state of which each process keeps its share: copies on the host at rank 0, nothing elsewhere.
  OptimizerState gathered(const OptimizerState& state) const;
  /// All tensors of a part of it, at every process, copied into `target`.
  void gather_into(const NamedParameters& part, const NamedParameters& target) const;

 private:
  NamedParameters gathered_part(const NamedParameters& part) const;
  Tensor from_owner(const NamedParameters& part, std::size_t i) const;

  std::vector<std::int64_t> owners_;
  std::vector<std::vector<std::int64_t>> shapes_;
  ProcessGroup& group_;
};

}  // namespace iddpm
