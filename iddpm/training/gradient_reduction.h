#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "iddpm/processes/process_group.h"
#include "iddpm/training/gradient.h"

namespace iddpm {

/// Adds up the gradients of processes that train together, bucket by bucket while backward still runs (Li et al. 2020,
/// arXiv 2006.15704, section 3.2). A bucket is a piece of the gradients' row: nothing is copied. Backward reaches the
/// last parameters first, so buckets are filled from the row's end; they are exchanged in that order in every process.
class GradientReduction {
 public:
  /// Small ones begin sooner, and each costs a start: 2 MB between processors, 25 MB between CUDA devices.
  static std::int64_t usual_bucket_bytes(const ProcessGroup& group);

  /// The parameters must want gradients and stay where they are, as must `gradients` and `group`.
  GradientReduction(const NamedParameters& parameters, GradientBuffer& gradients, ProcessGroup& group,
                    std::optional<std::int64_t> bucket_bytes = std::nullopt);
  ~GradientReduction();
  GradientReduction(const GradientReduction&) = delete;
  GradientReduction& operator=(const GradientReduction&) = delete;

  /// The backward pass that follows is the step's last: its gradients are complete, and are exchanged.
  void start();
  /// Waits until all gradients are the sums of all processes.
  void finish();

  std::int64_t buckets() const;
  /// Time that `finish` has waited, in all: what backward didn't hide.
  double seconds_waited() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace iddpm
