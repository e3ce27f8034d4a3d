#include "tests/io/image_samples.h"

#include <webp/encode.h>
#include <zlib.h>

#include <cstdio>  // jpeglib.h needs FILE and includes nothing

// clang-format off
#include <jpeglib.h>
// clang-format on

#include <cstdlib>

namespace iddpm {

namespace {

std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  const auto checksum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<std::uint32_t>(data.size())) + body + big_endian(static_cast<std::uint32_t>(checksum));
}

std::string deflated(const std::string& text) {
  uLongf size = compressBound(text.size());
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(text.data()), text.size());
  packed.resize(size);
  return packed;
}

}  // namespace

std::string png_bytes(const PngSample& sample) {
  std::string lines;
  for (const std::string& row : sample.rows) lines += std::string(1, '\0') + row;
  std::string header = big_endian(sample.width) + big_endian(sample.height);
  header += {static_cast<char>(sample.bit_depth), static_cast<char>(sample.color_type), 0, 0, 0};
  std::string bytes = "\x89PNG\r\n\x1a\n" + chunk("IHDR", header);
  if (!sample.extra_chunk.empty()) bytes += chunk("zTXt", sample.extra_chunk);
  if (!sample.palette.empty()) bytes += chunk("PLTE", sample.palette);
  if (!sample.transparency.empty()) bytes += chunk("tRNS", sample.transparency);
  return bytes + chunk("IDAT", deflated(lines)) + chunk("IEND", "");
}

std::string jpeg_bytes(const Image& image, bool progressive) {
  jpeg_compress_struct encoder = {};
  jpeg_error_mgr errors = {};
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &memory, &size);
  encoder.image_width = static_cast<JDIMENSION>(image.width);
  encoder.image_height = static_cast<JDIMENSION>(image.height);
  encoder.input_components = static_cast<int>(image.channels);
  encoder.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : image.channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, 98, TRUE);
  if (progressive) jpeg_simple_progression(&encoder);
  if (image.channels == 4) encoder.write_Adobe_marker = TRUE;
  jpeg_start_compress(&encoder, TRUE);
  for (std::int64_t y = 0; y < image.height; ++y) {
    auto* row = const_cast<JSAMPLE*>(image.pixels.data() + y * image.width * image.channels);
    jpeg_write_scanlines(&encoder, &row, 1);
  }
  jpeg_finish_compress(&encoder);
  std::string bytes(reinterpret_cast<char*>(memory), size);
  jpeg_destroy_compress(&encoder);
  std::free(memory);
  return bytes;
}

std::string webp_bytes(const Image& image, bool lossless) {
  const auto width = static_cast<int>(image.width);
  const auto height = static_cast<int>(image.height);
  const auto stride = static_cast<int>(image.width * image.channels);
  std::uint8_t* memory = nullptr;
  const std::uint8_t* pixels = image.pixels.data();
  std::size_t size = 0;
  if (image.channels == 4) {
    size = lossless ? WebPEncodeLosslessRGBA(pixels, width, height, stride, &memory)
                    : WebPEncodeRGBA(pixels, width, height, stride, 90.0f, &memory);
  } else {
    size = lossless ? WebPEncodeLosslessRGB(pixels, width, height, stride, &memory)
                    : WebPEncodeRGB(pixels, width, height, stride, 90.0f, &memory);
  }
  std::string bytes(reinterpret_cast<char*>(memory), size);
  WebPFree(memory);
  return bytes;
}

Image gradient(std::int64_t width, std::int64_t height, std::int64_t channels) {
  Image image = {.width = width, .height = height, .channels = channels};
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      for (std::int64_t c = 0; c < channels; ++c) {
        image.pixels.push_back(static_cast<std::uint8_t>(40 + (x * 120 / width) + (y * (40 + 10 * c) / height)));
      }
    }
  }
  return image;
}

}  // namespace iddpm
