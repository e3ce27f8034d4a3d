#pragma once

#include <cstdint>

#include "iddpm/io/image_file.h"

namespace iddpm {

enum class ResizeFilter {
  box,      ///< the mean of the covered pixels
  bicubic,  ///< Keys 1981 with a = -0.5
};

/// `image` at another size. Each axis in turn is convolved with the filter, which is widened by the reduction factor
/// when the image shrinks (so that nothing aliases), normalised, and cut off at the border; the horizontal result is
/// rounded to 8 bits before the vertical pass. A size equal to the image's own leaves that axis exactly as it was. Of 2
/// and 4 channels the last is alpha: colours are weighted with it, so that hidden colours don't bleed into the edge of
/// what shows. Throws Error for a size below 1.
Image resize(const Image& image, std::int64_t width, std::int64_t height, ResizeFilter filter);

/// The largest centred part of `image` with the target's aspect, at the target's size, made as the field's published
/// data loaders do: the image is halved with the box filter while it is at least twice too large, then resized with the
/// bicubic filter until it just covers the target, then cropped in the centre. An image of the target's size is
/// returned as it is. Throws Error for a size below 1.
Image resize_and_crop(const Image& image, std::int64_t width, std::int64_t height);

}  // namespace iddpm
