#pragma once

#include <cstdint>
#include <span>

#include "iddpm/io/image_file.h"

namespace iddpm {

/// The EXIF orientation (tag 0x0112, 1 to 8) that an encoded JPEG (APP1), PNG (eXIf), WebP (EXIF) or TIFF image
/// carries; 1, "as stored", if there is none or it makes no sense. Never reads beyond the bytes.
int exif_orientation(std::span<const std::uint8_t> file);

/// Whether an orientation makes a wide image a tall one.
inline bool swaps_sides(int orientation) { return orientation >= 5; }

/// The image as it is to be shown. CIPA DC-008 (Exif 2.32), 4.6.4, table 5: where the stored first row and column are.
Image oriented(Image image, int orientation);

}  // namespace iddpm
