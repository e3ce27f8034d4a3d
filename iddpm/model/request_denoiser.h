#pragma once

#include <cstdint>

#include "iddpm/model/draw.h"

namespace iddpm {

/// What the sampler of a batch of the request asks at the classes y [N] (undefined without any): the model's prediction
/// for the (shortened) process, led by the request's guidance and changed by its wrapper, and only then clipped or
/// thresholded.
Denoiser request_denoiser(const Model& model, const ReverseProcess& process, const DrawRequest& request,
                          const Tensor& y);

/// How often drawing one image asks its networks.
struct NetworkEvaluations {
  std::int64_t diffusion = 0;   ///< the model at each look of the sampler's, and its guide where it is guided
  std::int64_t classifier = 0;  ///< forwards and backwards
};

/// Of a request. Counted by a run of the sampler with a denoiser that does nothing. Throws Error as `draw` does.
NetworkEvaluations network_evaluations(const Model& model, const DrawRequest& request);

}  // namespace iddpm
