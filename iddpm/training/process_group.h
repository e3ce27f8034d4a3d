#pragma once

#include "iddpm/core/tensor.h"

namespace iddpm {

/// What processes that train together do with each other, once per step, each with its share of the step's images.
class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;
  /// `means` [P] are over the `images` of this process; in place, they become those over the images of all.
  virtual void average(Tensor& means, std::int64_t images) = 0;
  /// One row for each image of this process, float64 [n, columns], becomes one for each image of the step, in their
  /// order.
  virtual Tensor gather(const Tensor& rows) = 0;
};

/// One process alone has all the images.
class SingleProcess : public ProcessGroup {
 public:
  void average(Tensor& means, std::int64_t images) override {}
  Tensor gather(const Tensor& rows) override { return rows; }
};

}  // namespace iddpm
