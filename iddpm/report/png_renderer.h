#pragma once

#include "iddpm/io/image_file.h"
#include "iddpm/report/line_plot.h"

namespace iddpm {

/// A drawing as an RGB image on white, antialiased, `scale` pixels per CSS pixel (between 0.5 and 8; otherwise throws
/// Error).
Image render_png(const Drawing& drawing, double scale = 2);

/// A plot as an RGB image.
Image render_png(const LinePlot& plot, double scale = 2);

}  // namespace iddpm
