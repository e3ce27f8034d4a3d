#include "tests/io/image_samples.h"

#include <gif_lib.h>
#include <tiffio.h>
#include <webp/encode.h>
#include <zlib.h>

#include <cstdio>  // jpeglib.h needs FILE and includes nothing

// clang-format off
#include <jpeglib.h>
// clang-format on

#include <algorithm>
#include <cstdlib>

#include "iddpm/io/atomic_file.h"

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

std::string little_endian(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string bmp_bytes(std::int32_t width, std::int32_t height, int bits, const std::string& palette,
                      const std::string& pixels, std::uint32_t compression) {
  const std::uint32_t offset = 54 + static_cast<std::uint32_t>(palette.size());
  const auto size = static_cast<std::uint32_t>(offset + pixels.size());
  return "BM" + little_endian(size) + little_endian(0) + little_endian(offset) + little_endian(40) +
         little_endian(static_cast<std::uint32_t>(width)) + little_endian(static_cast<std::uint32_t>(height)) +
         little_endian(1, 2) + little_endian(static_cast<std::uint32_t>(bits), 2) + little_endian(compression) +
         std::string(20, '\0') + palette + pixels;
}

std::string gif_bytes(const TemporaryFolder& folder, int transparent, bool two_frames) {
  const auto path = folder / "sample.gif";
  int code = 0;
  GifFileType* gif = EGifOpenFileName(path.c_str(), false, &code);
  GifColorType colours[4] = {{10, 20, 30}, {40, 50, 60}, {70, 80, 90}, {255, 255, 255}};
  ColorMapObject* map = GifMakeMapObject(4, colours);
  EGifPutScreenDesc(gif, 3, 2, 8, 0, map);
  if (transparent >= 0) {
    GraphicsControlBlock control = {0, false, 0, transparent};
    GifByteType block[4];
    EGifGCBToExtension(&control, block);
    EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, 4, block);
  }
  for (int frame = 0; frame < (two_frames ? 2 : 1); ++frame) {
    EGifPutImageDesc(gif, 0, 0, 3, 2, false, nullptr);
    GifPixelType rows[2][3] = {{0, 1, 2}, {2, 1, 0}};
    if (frame == 1) std::fill(&rows[0][0], &rows[0][0] + 6, GifPixelType{3});
    for (auto& row : rows) EGifPutLine(gif, row, 3);
  }
  EGifCloseFile(gif, &code);
  GifFreeMapObject(map);
  return read_file(path);
}

std::string tiff_bytes(const TemporaryFolder& folder, const Image& image, int compression, int orientation) {
  const auto path = folder / "sample.tif";
  TIFF* tiff = TIFFOpen(path.c_str(), "w");
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(image.width));
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(image.height));
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, static_cast<int>(image.channels));
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, image.channels == 1 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, compression);
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, orientation);
  if (image.channels == 4) {
    const std::uint16_t alpha = EXTRASAMPLE_UNASSALPHA;
    TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &alpha);
  }
  for (std::int64_t y = 0; y < image.height; ++y) {
    std::vector<std::uint8_t> row(image.pixels.begin() + y * image.width * image.channels,
                                  image.pixels.begin() + (y + 1) * image.width * image.channels);
    TIFFWriteScanline(tiff, row.data(), static_cast<std::uint32_t>(y), 0);
  }
  TIFFClose(tiff);
  return read_file(path);
}

}  // namespace iddpm
