#include "iddpm/io/animated_webp.h"

#include <webp/encode.h>
#include <webp/mux.h>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

constexpr const char* other_version = "cannot make a WebP animation: the WebP library is of another version";

WebPAnimEncoderOptions encoder_options() {
  WebPAnimEncoderOptions options;
  require(WebPAnimEncoderOptionsInit(&options) != 0, ErrorKind::unsupported, other_version);
  options.anim_params.loop_count = 0;  // without end
  options.kmax = 1;                    // whole frames: one built on a lossy one before would not be exact
  return options;
}

WebPConfig frame_config(FrameQuality quality) {
  WebPConfig config;
  constexpr float good = 85.0F;
  require(WebPConfigPreset(&config, WEBP_PRESET_PICTURE, good) != 0, ErrorKind::unsupported, other_version);
  config.method = 2;  // of 0, fast, to 6, small
  config.lossless = quality == FrameQuality::exact ? 1 : 0;
  config.exact = 1;
  return config;
}

// A picture of libwebp's, with pixels of its own.
class Picture {
 public:
  explicit Picture(const Image& image) {
    require(WebPPictureInit(&picture_) != 0, ErrorKind::unsupported, other_version);
    picture_.use_argb = 1;
    picture_.width = static_cast<int>(image.width);
    picture_.height = static_cast<int>(image.height);
    require(WebPPictureImportRGB(&picture_, image.pixels.data(), static_cast<int>(3 * image.width)) != 0,
            ErrorKind::out_of_memory, "a frame of {} x {} pixels needs more memory than there is", image.width,
            image.height);
  }
  ~Picture() { WebPPictureFree(&picture_); }
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;
  WebPPicture* get() { return &picture_; }

 private:
  WebPPicture picture_;
};

}  // namespace

struct AnimatedWebp::Encoder {
  Encoder(std::int64_t w, std::int64_t h) : width(w), height(h) {
    const WebPAnimEncoderOptions options = encoder_options();
    encoder.reset(WebPAnimEncoderNew(static_cast<int>(w), static_cast<int>(h), &options));
    require(encoder != nullptr, ErrorKind::out_of_memory,
            "an animation of {} x {} pixels needs more memory than there is", w, h);
  }
  void add(WebPPicture* picture, const WebPConfig* config) {
    require(WebPAnimEncoderAdd(encoder.get(), picture, static_cast<int>(milliseconds), config) != 0,
            "frame {} of a WebP animation can't be encoded: {}", frames + 1, WebPAnimEncoderGetError(encoder.get()));
  }

  std::int64_t width;
  std::int64_t height;
  std::unique_ptr<WebPAnimEncoder, decltype(&WebPAnimEncoderDelete)> encoder{nullptr, WebPAnimEncoderDelete};
  std::int64_t frames = 0;
  std::int64_t milliseconds = 0;  // of all frames so far
};

AnimatedWebp::AnimatedWebp(std::int64_t width, std::int64_t height) {
  require(width >= 1 && width <= WEBP_MAX_DIMENSION && height >= 1 && height <= WEBP_MAX_DIMENSION,
          "a WebP animation: expected sides of 1 to {} pixels, got {} x {}", WEBP_MAX_DIMENSION, width, height);
  encoder_ = std::make_unique<Encoder>(width, height);
}

AnimatedWebp::~AnimatedWebp() = default;

void AnimatedWebp::add(const Image& frame, std::chrono::milliseconds duration, FrameQuality quality) {
  require(encoder_ != nullptr, "a WebP animation is finished; nothing can be added");
  require(frame.width == encoder_->width && frame.height == encoder_->height && frame.channels == 3,
          "a WebP animation: expected RGB frames of {} x {} pixels, got one of {} x {} with {} channels",
          encoder_->width, encoder_->height, frame.width, frame.height, frame.channels);
  Picture picture(frame);
  const WebPConfig config = frame_config(quality);
  encoder_->add(picture.get(), &config);
  ++encoder_->frames;
  encoder_->milliseconds += duration.count();
}

std::int64_t AnimatedWebp::frames() const { return encoder_ == nullptr ? 0 : encoder_->frames; }

std::string AnimatedWebp::finish() {
  require(frames() > 0, "a WebP animation: expected frames, got none");
  encoder_->add(nullptr, nullptr);  // the end of the last frame
  WebPData data;
  WebPDataInit(&data);
  const bool assembled = WebPAnimEncoderAssemble(encoder_->encoder.get(), &data) != 0;
  std::string bytes(reinterpret_cast<const char*>(data.bytes), data.size);
  WebPDataClear(&data);
  require(assembled, "a WebP animation can't be put together: {}", WebPAnimEncoderGetError(encoder_->encoder.get()));
  encoder_.reset();
  return bytes;
}

}  // namespace iddpm
