#pragma once

#include <memory>

#include "iddpm/diffusion/noise_level.h"
#include "iddpm/model/draw.h"
#include "iddpm/samplers/sampler.h"

namespace iddpm {

/// Where the batches of a request begin (at noise, at the data's moments, at images, at latents between others), and
/// the sampler that leads on from there. Refers to the model and the request.
class RequestStart {
 public:
  /// `process` is the shortened one. Finds the latents of an interpolation's ends, which for images takes as many
  /// evaluations as the process has steps.
  RequestStart(const Model& model, const DrawRequest& request, const ReverseProcess& process);

  /// For images position .. position + size - 1 of the request.
  NoiseSource noise(std::int64_t position, std::int64_t size) const;
  std::shared_ptr<const Sampler> sampler(std::int64_t position, std::int64_t size) const;

 private:
  const Model& model_;
  const DrawRequest& request_;
  NoiseLevel noisiest_;
  std::shared_ptr<const Sampler> sampler_;
  Tensor latents_ = {};  ///< [K, C, H, W], of an interpolation
};

/// Those of the model's timesteps that a request whose beginning isn't noise looks at. Throws Error if it can't begin
/// so.
std::vector<std::int64_t> timesteps_of_start(const Model& model, const DrawRequest& request,
                                             const std::vector<std::int64_t>& timesteps);

}  // namespace iddpm
