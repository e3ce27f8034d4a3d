#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "iddpm/io/image_file.h"

namespace iddpm {

/// How a frame of an animation is kept.
enum class FrameQuality {
  lossy,  ///< good enough in passing
  exact   ///< as it is
};

/// An animated WebP that plays again and again, made frame by frame; only compressed frames are held.
class AnimatedWebp {
 public:
  /// Throws Error unless the sides are 1 .. 16383, the format's most.
  AnimatedWebp(std::int64_t width, std::int64_t height);
  ~AnimatedWebp();
  AnimatedWebp(const AnimatedWebp&) = delete;
  AnimatedWebp& operator=(const AnimatedWebp&) = delete;

  /// Adds an RGB image of that size, shown so long; one that is the same as the one before only prolongs it. Throws
  /// Error if it is another one.
  void add(const Image& frame, std::chrono::milliseconds duration, FrameQuality quality = FrameQuality::lossy);
  std::int64_t frames() const;
  /// The file. Nothing can be added afterwards. Throws Error if there are no frames.
  std::string finish();

 private:
  struct Encoder;
  std::unique_ptr<Encoder> encoder_;
};

}  // namespace iddpm
