#pragma once

#include "iddpm/samplers/level_sampler.h"
#include "iddpm/samplers/sampler_entry.h"

namespace iddpm {

struct IpndmOptions {
  std::int64_t order = 4;  ///< 1 to 4
};

/// iPNDM (Zhang & Chen 2022, arXiv 2204.13902, after Liu et al. 2022, arXiv 2202.09778): DDIM's step with epsilon
/// extrapolated by Adams and Bashforth's weights for equal steps, whatever the steps are. The step to the clean image
/// is of first order, x_0 itself.
class IpndmSampler : public LevelSampler {
 public:
  /// Throws Error unless the order is 1 to 4.
  explicit IpndmSampler(IpndmOptions options = {});

 protected:
  LevelStep new_step() const override;

 private:
  IpndmOptions options_;
};

/// For the table of samplers (registry.h). Knows the order.
SamplerEntry ipndm_entry();

}  // namespace iddpm
