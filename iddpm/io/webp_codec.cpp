#include <webp/decode.h>

#include "iddpm/core/error.h"
#include "iddpm/io/image_codecs.h"

namespace iddpm {

namespace {

const char* reason(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return "out of memory";
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "it is truncated";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "it uses a feature that is not supported";
    default:
      return "its data are damaged";
  }
}

void require_success(VP8StatusCode status, const EncodedImage& file) {
  const ErrorKind kind = status == VP8_STATUS_OUT_OF_MEMORY         ? ErrorKind::out_of_memory
                         : status == VP8_STATUS_UNSUPPORTED_FEATURE ? ErrorKind::unsupported
                                                                    : ErrorKind::damaged_file;
  require(status == VP8_STATUS_OK, kind, "{} is a broken WebP image: {}", file.name, reason(status));
}

/// Reads the header and checks the claimed size.
ImageHeader begin_reading(WebPDecoderConfig& config, const EncodedImage& file) {
  require(WebPInitDecoderConfig(&config) != 0, ErrorKind::unsupported,
          "cannot read {}: the WebP library is of another version", file.name);
  require_success(WebPGetFeatures(file.bytes.data(), file.bytes.size(), &config.input), file);
  require(!config.input.has_animation, ErrorKind::unsupported, "{} is an animated WebP, expected a single image",
          file.name);
  check_packed_image_size(file, config.input.width, config.input.height);
  return {.width = config.input.width, .height = config.input.height, .channels = config.input.has_alpha != 0 ? 4 : 3};
}

}  // namespace

ImageHeader webp_header(const EncodedImage& file) {
  WebPDecoderConfig config;
  return begin_reading(config, file);
}

Image decode_webp(const EncodedImage& file) {
  WebPDecoderConfig config;
  const ImageHeader header = begin_reading(config, file);
  Image image = {.width = header.width, .height = header.height, .channels = header.channels};
  const std::int64_t row_bytes = image.width * image.channels;
  image.pixels.resize(static_cast<std::size_t>(row_bytes * image.height));
  config.output.colorspace = header.channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {
      .rgba = image.pixels.data(), .stride = static_cast<int>(row_bytes), .size = image.pixels.size()};
  const VP8StatusCode status = WebPDecode(file.bytes.data(), file.bytes.size(), &config);
  WebPFreeDecBuffer(&config.output);
  require_success(status, file);
  return image;
}

}  // namespace iddpm
