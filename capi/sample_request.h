#pragma once

#include "capi/open_models.h"
#include "iddpm/model/draw.h"

namespace iddpm::capi {

/// Images that a caller passes to begin at.
struct InputImages {
  const std::uint8_t* pixels = nullptr;  ///< [M, h, w, C]; null: none
  std::size_t size = 0;                  ///< bytes
};

/// What iddpm_sample and iddpm_sample_from are asked for.
struct SampleRequest {
  DrawRequest draw = {};
  bool preview = false;
};

/// [h, w, C] of the images that the model can begin at.
std::vector<std::int64_t> input_shape(const ModelSettings& settings);

/// From JSON, see iddpm_c.h; opens the guide or classifier that it names. Throws Error naming the field that isn't as
/// expected, or CallError of an input whose size isn't that of whole images.
SampleRequest sample_request(const char* json, const OpenModel& opened, const InputImages& input);

/// float32 [N, C, H, W] in [-1, 1] of bytes [N, H, W, C], `shape` being [H, W, C].
Tensor images_from(const std::uint8_t* pixels, std::int64_t count, const std::vector<std::int64_t>& shape);

}  // namespace iddpm::capi
