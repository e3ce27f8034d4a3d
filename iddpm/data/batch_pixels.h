#pragma once

#include <cstdint>

#include "iddpm/data/batch_loader.h"
#include "iddpm/data/dataset.h"

namespace iddpm {

/// A batch of `count` images of the data set, yet to be filled.
Batch empty_batch(const Dataset& dataset, std::int64_t count);

/// Sets row `row` of the batch to image `index`, pixel / 127.5 - 1, and its class. Throws what the data set throws, and
/// Error if the image hasn't the shape that the data set promises.
void set_image(Batch& batch, std::int64_t row, const Dataset& dataset, std::int64_t index, bool mirrored);

}  // namespace iddpm
