#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "iddpm/io/animated_webp.h"
#include "iddpm/model/draw.h"

namespace iddpm::cli {

/// The drawing of a request's first images as an animated WebP: at most 60 frames of a grid of at most 16 images, from
/// noise to the images, the last frame held and as exact as the images are.
class Film {
 public:
  /// `columns` of the grid; 0: about as many as rows. The file appears with the last step of the first batch.
  Film(std::filesystem::path path, const ModelSettings& settings, std::int64_t columns);
  /// For `draw`'s on_step. Steps of other batches than the first are passed over.
  void look(const DrawingStep& step);

 private:
  std::filesystem::path path_;
  const ModelSettings& settings_;
  std::int64_t columns_;
  std::unique_ptr<AnimatedWebp> animation_ = {};
};

/// Throws Error unless the name ends in .webp.
void check_film_name(const std::string& path);

}  // namespace iddpm::cli
