#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <exception>
#include <span>
#include <utility>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/io/image_codecs.h"

namespace iddpm {

namespace {

// libpng reports errors by longjmp, which must not pass over a destructor: everything that owns memory lives outside
// the functions below that call setjmp, and those hold nothing but pointers.

constexpr double highest_png_ratio = 1032.0;

struct PngSession {
  png_structp png = nullptr;
  png_infop info = nullptr;
  char message[160] = "out of memory";
};

void on_error(png_structp png, png_const_charp message) {
  auto* session = static_cast<PngSession*>(png_get_error_ptr(png));
  std::snprintf(session->message, sizeof(session->message), "%s", message);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

struct PngReader : PngSession {
  explicit PngReader(std::span<const std::uint8_t> bytes) : rest(bytes) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, static_cast<PngSession*>(this), on_error, on_warning);
    if (png != nullptr) info = png_create_info_struct(png);
  }
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  std::span<const std::uint8_t> rest;
};

void take_bytes(png_structp png, png_bytep target, std::size_t count) {
  auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
  if (count > reader->rest.size()) png_error(png, "it is truncated");
  std::memcpy(target, reader->rest.data(), count);
  reader->rest = reader->rest.subspan(count);
}

/// Reads up to the pixels, and asks for 8 bits a channel, no palette, transparency as a channel.
bool read_header(PngReader& reader) {
  png_structp png = reader.png;
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_read_fn(png, &reader, take_bytes);
  // Only what pixels are made of: texts and profiles may unpack to any size.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(png, reader.info);
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_interlace_handling(png);
  return true;
}

bool start_pixels(PngReader& reader) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_read_update_info(reader.png, reader.info);
  return true;
}

bool read_pixels(PngReader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_read_image(reader.png, rows);
  png_read_end(reader.png, nullptr);
  return true;
}

struct PngWriter : PngSession {
  PngWriter() {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, static_cast<PngSession*>(this), on_error, on_warning);
    if (png != nullptr) info = png_create_info_struct(png);
  }
  ~PngWriter() { png_destroy_write_struct(&png, &info); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  std::string bytes;
};

void give_bytes(png_structp png, png_bytep source, std::size_t count) {
  bool enough_memory = true;
  try {
    static_cast<PngWriter*>(png_get_io_ptr(png))->bytes.append(reinterpret_cast<const char*>(source), count);
  } catch (const std::exception&) {
    enough_memory = false;
  }
  if (!enough_memory) png_error(png, "out of memory");
}

void nothing_to_flush(png_structp) {}

bool write_image(PngWriter& writer, const Image& image, int color_type, png_textp comment, png_bytepp rows) {
  png_structp png = writer.png;
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_write_fn(png, &writer, give_bytes, nothing_to_flush);
  png_set_IHDR(png, writer.info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8,
               color_type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (comment != nullptr) png_set_text(png, writer.info, comment, 1);
  png_write_info(png, writer.info);
  png_write_image(png, rows);
  png_write_end(png, nullptr);
  return true;
}

std::vector<png_bytep> row_pointers(std::uint8_t* pixels, std::int64_t height, std::int64_t row_bytes) {
  std::vector<png_bytep> rows(static_cast<std::size_t>(height));
  for (std::int64_t y = 0; y < height; ++y) rows[y] = pixels + y * row_bytes;
  return rows;
}

/// Reads the header and checks the claimed size, so that pixels can be read.
ImageHeader begin_reading(PngReader& reader, const EncodedImage& file) {
  require(reader.info != nullptr, ErrorKind::out_of_memory, "cannot read {}: out of memory", file.name);
  require(read_header(reader), ErrorKind::damaged_file, "{} is a broken PNG image: {}", file.name, reader.message);
  const std::int64_t width = png_get_image_width(reader.png, reader.info);
  const std::int64_t height = png_get_image_height(reader.png, reader.info);
  check_image_size(file, width, height);
  require(static_cast<double>(png_get_rowbytes(reader.png, reader.info)) * static_cast<double>(height) <=
              highest_png_ratio * static_cast<double>(file.bytes.size()),
          ErrorKind::damaged_file, "{} is truncated: it claims {} x {} pixels but holds {} bytes", file.name, width,
          height, file.bytes.size());
  require(start_pixels(reader), ErrorKind::damaged_file, "{} is a broken PNG image: {}", file.name, reader.message);
  return {.width = width, .height = height, .channels = png_get_channels(reader.png, reader.info)};
}

}  // namespace

ImageHeader png_header(const EncodedImage& file) {
  PngReader reader(file.bytes);
  return begin_reading(reader, file);
}

Image decode_png(const EncodedImage& file) {
  PngReader reader(file.bytes);
  const ImageHeader header = begin_reading(reader, file);
  Image image = {.width = header.width, .height = header.height, .channels = header.channels};
  const std::int64_t row_bytes = image.width * image.channels;
  require(static_cast<std::size_t>(row_bytes) == png_get_rowbytes(reader.png, reader.info), ErrorKind::unsupported,
          "{} is a PNG image of an unknown kind", file.name);
  image.pixels.resize(static_cast<std::size_t>(row_bytes * image.height));
  auto rows = row_pointers(image.pixels.data(), image.height, row_bytes);
  require(read_pixels(reader, rows.data()), ErrorKind::damaged_file, "{} is a broken PNG image: {}", file.name,
          reader.message);
  return image;
}

std::string encode_png(const Image& image, const std::string& comment) {
  constexpr int color_types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                 PNG_COLOR_TYPE_RGB_ALPHA};
  constexpr std::int64_t longest_side = 1'000'000;  // libpng's own limit
  require(image.channels >= 1 && image.channels <= 4, "an image of {} channels can't be a PNG: 1 to 4 are expected",
          image.channels);
  require(image.width >= 1 && image.height >= 1 && image.width <= longest_side && image.height <= longest_side,
          "an image of {} x {} pixels can't be a PNG: sides of 1 to {} are expected", image.width, image.height,
          longest_side);
  const std::int64_t row_bytes = image.width * image.channels;
  require(image.pixels.size() == static_cast<std::size_t>(row_bytes * image.height),
          "an image of {} x {} x {} has {} bytes of pixels, expected {}", image.width, image.height, image.channels,
          image.pixels.size(), row_bytes * image.height);

  // tEXt is Latin-1 by definition; what goes beyond ASCII is stored as UTF-8 in an iTXt chunk.
  const bool is_ascii = std::all_of(comment.begin(), comment.end(), [](char c) { return c >= 0; });
  std::string keyword = "Comment";
  std::string text = comment;
  png_text chunk = {};
  chunk.compression = is_ascii ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
  chunk.key = keyword.data();
  chunk.text = text.data();
  chunk.text_length = is_ascii ? text.size() : 0;
  chunk.itxt_length = is_ascii ? 0 : text.size();

  PngWriter writer;
  require(writer.info != nullptr, ErrorKind::out_of_memory, "cannot encode a PNG image: out of memory");
  // libpng's interface has no const; it only reads.
  auto rows = row_pointers(const_cast<std::uint8_t*>(image.pixels.data()), image.height, row_bytes);
  require(write_image(writer, image, color_types[image.channels - 1], comment.empty() ? nullptr : &chunk, rows.data()),
          "cannot encode a PNG image: {}", writer.message);
  return std::move(writer.bytes);
}

}  // namespace iddpm
