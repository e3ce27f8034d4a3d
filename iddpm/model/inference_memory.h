#pragma once

#include <cstdint>

#include "iddpm/model/compute.h"
#include "iddpm/nn/unet_options.h"

namespace iddpm {

/// Bytes that a batch of images takes on its way through a network without gradients, and the network's weights. A
/// lower estimate from the options alone, with nothing allocated.
std::int64_t estimate_inference_memory(const UNetOptions& network, Precision precision, std::int64_t images);

/// The most images at a time that this estimate leaves within so many bytes; 0 if not even one.
std::int64_t images_within(const UNetOptions& network, Precision precision, std::uint64_t bytes);

/// Throws Error of kind out_of_memory if that is more than the memory limit, saying how many images at a time would
/// fit. The limit is the machine's: other devices aren't looked at.
void require_inference_memory(const UNetOptions& network, Precision precision, at::Device device, std::int64_t images);

}  // namespace iddpm
