#include <cstdio>  // jpeglib.h needs FILE and includes nothing

// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <csetjmp>

#include "iddpm/core/error.h"
#include "iddpm/io/image_codecs.h"

namespace iddpm {

namespace {

// libjpeg reports errors through a callback that must not return: as with libpng, longjmp leads back into functions
// that hold nothing but pointers.

constexpr int most_scans = 500;  // a progressive file may repeat them without end, each costing a pass over the image
constexpr double most_pixels_per_byte = 8.0 * 64.0;  // an 8 x 8 block costs at least one bit of Huffman code

struct JpegReader {
  jpeg_decompress_struct decoder = {};
  jpeg_error_mgr errors = {};
  jpeg_source_mgr source = {};
  jpeg_progress_mgr progress = {};
  std::jmp_buf failed;
  char message[JMSG_LENGTH_MAX] = "";

  JpegReader() = default;
  ~JpegReader() { jpeg_destroy_decompress(&decoder); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
};

[[noreturn]] void give_up(j_common_ptr common, const char* message) {
  auto* reader = static_cast<JpegReader*>(common->client_data);
  std::snprintf(reader->message, sizeof(reader->message), "%s", message);
  std::longjmp(reader->failed, 1);
}

void on_error(j_common_ptr common) {
  char text[JMSG_LENGTH_MAX];
  common->err->format_message(common, text);
  give_up(common, text);
}

/// Warnings that mean missing or meaningless pixels are errors; cosmetic ones (a stray byte before a marker) are not.
void on_message(j_common_ptr common, int level) {
  if (level >= 0) return;
  switch (common->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
      on_error(common);
  }
}

void on_progress(j_common_ptr common) {
  auto* decoder = reinterpret_cast<j_decompress_ptr>(common);
  if (decoder->input_scan_number > most_scans) give_up(common, "it has too many scans");
}

void nothing_to_do(j_decompress_ptr) {}

boolean no_more_bytes(j_decompress_ptr decoder) { give_up(reinterpret_cast<j_common_ptr>(decoder), "it is truncated"); }

void skip_bytes(j_decompress_ptr decoder, long count) {
  if (count <= 0) return;
  if (static_cast<std::size_t>(count) > decoder->src->bytes_in_buffer) no_more_bytes(decoder);
  decoder->src->next_input_byte += count;
  decoder->src->bytes_in_buffer -= static_cast<std::size_t>(count);
}

bool read_header(JpegReader& reader, const std::uint8_t* bytes, std::size_t size) {
  reader.decoder.err = jpeg_std_error(&reader.errors);
  reader.errors.error_exit = on_error;
  reader.errors.emit_message = on_message;
  reader.decoder.client_data = &reader;
  if (setjmp(reader.failed)) return false;
  jpeg_create_decompress(&reader.decoder);
  reader.progress.progress_monitor = on_progress;
  reader.decoder.progress = &reader.progress;
  reader.source.next_input_byte = bytes;
  reader.source.bytes_in_buffer = size;
  reader.source.init_source = nothing_to_do;
  reader.source.fill_input_buffer = no_more_bytes;
  reader.source.skip_input_data = skip_bytes;
  reader.source.resync_to_restart = jpeg_resync_to_restart;
  reader.source.term_source = nothing_to_do;
  reader.decoder.src = &reader.source;
  jpeg_read_header(&reader.decoder, TRUE);
  return true;
}

bool read_pixels(JpegReader& reader, std::uint8_t* pixels, std::size_t row_bytes) {
  if (setjmp(reader.failed)) return false;
  jpeg_start_decompress(&reader.decoder);
  while (reader.decoder.output_scanline < reader.decoder.output_height) {
    JSAMPROW row = pixels + reader.decoder.output_scanline * row_bytes;
    jpeg_read_scanlines(&reader.decoder, &row, 1);
  }
  jpeg_finish_decompress(&reader.decoder);
  return true;
}

/// Four inks to RGB without a colour profile: each of red, green and blue is what its ink and black let through.
/// Adobe's files store light instead of ink.
Image rgb_from_cmyk(const Image& cmyk, bool stores_light) {
  Image rgb = {.width = cmyk.width, .height = cmyk.height, .channels = 3};
  const std::size_t count = cmyk.pixels.size() / 4;
  rgb.pixels.resize(3 * count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto light = [&](int channel) {
      const int value = cmyk.pixels[4 * i + channel];
      return stores_light ? value : 255 - value;
    };
    for (int c = 0; c < 3; ++c) rgb.pixels[3 * i + c] = static_cast<std::uint8_t>((light(c) * light(3) + 127) / 255);
  }
  return rgb;
}

bool is_grey(const JpegReader& reader) { return reader.decoder.jpeg_color_space == JCS_GRAYSCALE; }
bool is_cmyk(const JpegReader& reader) {
  return reader.decoder.jpeg_color_space == JCS_CMYK || reader.decoder.jpeg_color_space == JCS_YCCK;
}

/// Reads the header and checks the claimed size.
ImageHeader begin_reading(JpegReader& reader, const EncodedImage& file) {
  require(read_header(reader, file.bytes.data(), file.bytes.size()), ErrorKind::damaged_file,
          "{} is a broken JPEG image: {}", file.name, reader.message);
  const jpeg_decompress_struct& decoder = reader.decoder;
  const std::int64_t width = decoder.image_width;
  const std::int64_t height = decoder.image_height;
  check_image_size(file, width, height);
  require(decoder.arith_code || static_cast<double>(width) * static_cast<double>(height) <=
                                    most_pixels_per_byte * static_cast<double>(file.bytes.size()),
          ErrorKind::damaged_file, "{} is truncated: it claims {} x {} pixels but holds {} bytes", file.name, width,
          height, file.bytes.size());
  return {.width = width, .height = height, .channels = is_grey(reader) ? 1 : 3};
}

}  // namespace

ImageHeader jpeg_header(const EncodedImage& file) {
  JpegReader reader;
  return begin_reading(reader, file);
}

Image decode_jpeg(const EncodedImage& file) {
  JpegReader reader;
  const ImageHeader header = begin_reading(reader, file);
  jpeg_decompress_struct& decoder = reader.decoder;
  decoder.out_color_space = is_grey(reader) ? JCS_GRAYSCALE : is_cmyk(reader) ? JCS_CMYK : JCS_RGB;
  Image image = {.width = header.width, .height = header.height, .channels = is_cmyk(reader) ? 4 : header.channels};
  const auto row_bytes = static_cast<std::size_t>(image.width * image.channels);
  image.pixels.resize(row_bytes * static_cast<std::size_t>(image.height));
  require(read_pixels(reader, image.pixels.data(), row_bytes), ErrorKind::damaged_file, "{} is a broken JPEG image: {}",
          file.name, reader.message);
  return is_cmyk(reader) ? rgb_from_cmyk(image, decoder.saw_Adobe_marker != 0) : image;
}

}  // namespace iddpm
