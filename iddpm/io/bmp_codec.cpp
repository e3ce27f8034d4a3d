#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

#include "iddpm/core/error.h"
#include "iddpm/io/image_codecs.h"

namespace iddpm {

namespace {

// The format as Microsoft's documents describe it (BITMAPFILEHEADER, BITMAPCOREHEADER, BITMAPINFOHEADER to
// BITMAPV5HEADER), without the kinds that pack a JPEG or PNG.

constexpr std::uint32_t uncompressed = 0;
constexpr std::uint32_t runs_of_8_bits = 1;  // RLE8
constexpr std::uint32_t runs_of_4_bits = 2;  // RLE4
constexpr std::uint32_t with_masks = 3;
constexpr std::uint32_t with_alpha_masks = 6;

/// Which bits of a pixel hold one of its colours.
struct Mask {
  std::uint32_t bits = 0;

  std::uint8_t of(std::uint32_t pixel) const {
    if (bits == 0) return 0;
    const int shift = std::countr_zero(bits);
    const std::uint64_t most = bits >> shift;
    const std::uint64_t value = (pixel & bits) >> shift;
    return static_cast<std::uint8_t>((value * 255 + most / 2) / most);
  }
};

struct Bmp {
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool top_down = false;
  std::uint32_t bits = 0;  ///< of a pixel
  bool in_runs = false;    ///< of pixels of one colour
  std::uint64_t pixels_offset = 0;
  std::uint64_t palette_offset = 0;
  std::uint64_t palette_entry = 4;  ///< bytes
  std::uint64_t colours = 0;        ///< of the palette
  std::array<Mask, 4> masks = {};   ///< red, green, blue, alpha, of 16 and 32 bits

  bool has_palette() const { return bits <= 8; }
  bool has_alpha() const { return masks[3].bits != 0; }
  std::uint64_t row_bytes() const { return (static_cast<std::uint64_t>(width) * bits + 31) / 32 * 4; }
};

class BmpReader {
 public:
  explicit BmpReader(const EncodedImage& file) : file_(file) {}

  std::uint32_t number(std::uint64_t offset, std::size_t bytes) const {
    require(offset <= file_.bytes.size() && bytes <= file_.bytes.size() - offset, ErrorKind::damaged_file,
            "{} is a broken BMP image: it is truncated", file_.name);
    std::uint32_t value = 0;
    for (std::size_t i = bytes; i-- > 0;) value = value << 8 | file_.bytes[static_cast<std::size_t>(offset) + i];
    return value;
  }

  std::uint32_t number(std::uint64_t offset) const { return number(offset, 4); }

  std::int64_t signed_number(std::uint64_t offset) const { return static_cast<std::int32_t>(number(offset)); }

  Bmp header() const {
    constexpr std::uint64_t info = 14;  // after the file's own header
    Bmp bmp;
    bmp.pixels_offset = number(10);
    const std::uint32_t header_size = number(info);
    const bool core = header_size == 12;
    require(core || (header_size >= 40 && header_size <= 1024), ErrorKind::damaged_file,
            "{} is a broken BMP image: its header claims {} bytes", file_.name, header_size);
    bmp.width = core ? std::int64_t{number(info + 4, 2)} : signed_number(info + 4);
    bmp.height = core ? std::int64_t{number(info + 6, 2)} : signed_number(info + 8);
    bmp.top_down = bmp.height < 0;
    bmp.height = std::abs(bmp.height);
    bmp.bits = number(core ? info + 10 : info + 14, 2);
    const std::uint32_t compression = core ? uncompressed : number(info + 16);
    bmp.in_runs = compression == runs_of_8_bits || compression == runs_of_4_bits;
    check(bmp, compression);
    bmp.palette_entry = core ? 3 : 4;
    bmp.palette_offset = info + header_size;
    if (bmp.has_palette()) {
      const std::uint64_t most = std::uint64_t{1} << bmp.bits;
      const std::uint64_t claimed = core ? 0 : number(info + 32);
      bmp.colours = claimed == 0 ? most : std::min(claimed, most);
    }
    if (bmp.bits == 16) bmp.masks = {Mask{0x7C00}, Mask{0x03E0}, Mask{0x001F}, Mask{}};
    if (bmp.bits == 32) bmp.masks = {Mask{0xFF0000}, Mask{0x00FF00}, Mask{0x0000FF}, Mask{}};
    if (compression == with_masks || compression == with_alpha_masks) {
      for (std::size_t i = 0; i < 3; ++i) bmp.masks[i] = {number(info + 40 + 4 * i)};
      if (header_size >= 56 || compression == with_alpha_masks) bmp.masks[3] = {number(info + 52)};
    }
    return bmp;
  }

  Image pixels(const Bmp& bmp) const {
    if (bmp.in_runs) return pixels_of_runs(bmp);
    const std::uint64_t size = file_.bytes.size();
    require(bmp.pixels_offset <= size && bmp.row_bytes() <= (size - bmp.pixels_offset) / bmp.height,
            ErrorKind::damaged_file, "{} is truncated: it claims {} x {} pixels but holds {} bytes", file_.name,
            bmp.width, bmp.height, size);
    Image image = {bmp.width, bmp.height, bmp.has_alpha() ? 4 : 3, {}};
    image.pixels.reserve(static_cast<std::size_t>(image.width * image.height * image.channels));
    for (std::int64_t y = 0; y < bmp.height; ++y) {
      const std::int64_t stored = bmp.top_down ? y : bmp.height - 1 - y;
      read_row(bmp, bmp.pixels_offset + static_cast<std::uint64_t>(stored) * bmp.row_bytes(), image.pixels);
    }
    return image;
  }

 private:
  void check(const Bmp& bmp, std::uint32_t compression) const {
    if (bmp.in_runs) {
      check_packed_image_size(file_, bmp.width, bmp.height);
    } else {
      check_image_size(file_, bmp.width, bmp.height);
    }
    const bool runs =
        (compression == runs_of_8_bits && bmp.bits == 8) || (compression == runs_of_4_bits && bmp.bits == 4);
    const bool masked =
        (compression == with_masks || compression == with_alpha_masks) && (bmp.bits == 16 || bmp.bits == 32);
    require(compression == uncompressed || masked || runs, ErrorKind::unsupported,
            "{} is a BMP image of compression {} with {} bits a pixel, expected one without, or runs of 4 or 8 bits",
            file_.name, compression, bmp.bits);
    constexpr std::uint32_t known[] = {1, 2, 4, 8, 16, 24, 32};
    require(std::find(std::begin(known), std::end(known), bmp.bits) != std::end(known), ErrorKind::damaged_file,
            "{} is a broken BMP image: it claims {} bits a pixel", file_.name, bmp.bits);
  }

  Image pixels_of_runs(const Bmp& bmp) const {
    Image image = {bmp.width, bmp.height, 3, {}};
    image.pixels.reserve(static_cast<std::size_t>(bmp.width * bmp.height * 3));
    const std::vector<std::uint8_t> colours = colours_of_runs(bmp);
    for (std::int64_t y = 0; y < bmp.height; ++y) {
      const std::int64_t stored = bmp.top_down ? y : bmp.height - 1 - y;
      for (std::int64_t x = 0; x < bmp.width; ++x) {
        push_colour(bmp, colours[static_cast<std::size_t>(stored * bmp.width + x)], image.pixels);
      }
    }
    return image;
  }

  // The colours' numbers in the order of the stored rows. A pair of bytes is a count and what is repeated, or 0 and: 0
  // the end of a row, 1 of the image, 2 a jump, n colours that follow one by one. What is jumped over is colour 0.
  std::vector<std::uint8_t> colours_of_runs(const Bmp& bmp) const {
    std::vector<std::uint8_t> colours(static_cast<std::size_t>(bmp.width * bmp.height));
    std::int64_t x = 0, y = 0;
    const auto put = [&](std::uint32_t colour) {
      if (x < bmp.width && y < bmp.height)
        colours[static_cast<std::size_t>(y * bmp.width + x)] = static_cast<std::uint8_t>(colour);
      ++x;
    };
    const auto nth_of = [&](std::uint32_t byte, std::uint32_t n) {
      return bmp.bits == 8 ? byte : n % 2 == 0 ? byte >> 4 : byte & 15;
    };
    std::uint64_t position = bmp.pixels_offset;
    while (y < bmp.height) {
      const std::uint32_t count = number(position, 1), byte = number(position + 1, 1);
      position += 2;
      if (count > 0) {
        for (std::uint32_t n = 0; n < count; ++n) put(nth_of(byte, n));
      } else if (byte == 0) {
        x = 0;
        ++y;
      } else if (byte == 1) {
        break;
      } else if (byte == 2) {
        x += number(position, 1);
        y += number(position + 1, 1);
        position += 2;
      } else {
        for (std::uint32_t n = 0; n < byte; ++n) put(nth_of(number(position + n * bmp.bits / 8, 1), n));
        position += (byte * bmp.bits / 8 + (bmp.bits == 4 ? byte % 2 : 0) + 1) / 2 * 2;
      }
    }
    return colours;
  }

  void push_colour(const Bmp& bmp, std::uint64_t colour, std::vector<std::uint8_t>& pixels) const {
    require(colour < bmp.colours, ErrorKind::damaged_file, "{} is a broken BMP image: it has no colour {}", file_.name,
            colour);
    push_blue_green_red(bmp.palette_offset + colour * bmp.palette_entry, pixels);
  }

  void read_row(const Bmp& bmp, std::uint64_t row, std::vector<std::uint8_t>& pixels) const {
    for (std::int64_t x = 0; x < bmp.width; ++x) {
      if (bmp.has_palette()) {
        const std::uint64_t bit = static_cast<std::uint64_t>(x) * bmp.bits;
        const std::uint32_t byte = number(row + bit / 8, 1);
        const std::uint64_t colour = byte >> (8 - bmp.bits - bit % 8) & ((1U << bmp.bits) - 1);
        push_colour(bmp, colour, pixels);
      } else if (bmp.bits == 24) {
        push_blue_green_red(row + static_cast<std::uint64_t>(x) * 3, pixels);
      } else {
        const std::size_t bytes = bmp.bits / 8;
        const std::uint32_t pixel = number(row + static_cast<std::uint64_t>(x) * bytes, bytes);
        for (std::size_t c = 0; c < (bmp.has_alpha() ? 4u : 3u); ++c) pixels.push_back(bmp.masks[c].of(pixel));
      }
    }
  }

  void push_blue_green_red(std::uint64_t offset, std::vector<std::uint8_t>& pixels) const {
    for (const std::uint64_t channel : {2, 1, 0})
      pixels.push_back(static_cast<std::uint8_t>(number(offset + channel, 1)));
  }

  const EncodedImage& file_;
};

/// A palette of greys alone makes a grey image, as other programs save those.
bool is_grey(const BmpReader& reader, const Bmp& bmp) {
  if (!bmp.has_palette()) return false;
  for (std::uint64_t i = 0; i < bmp.colours; ++i) {
    const std::uint64_t entry = bmp.palette_offset + i * bmp.palette_entry;
    const std::uint32_t blue = reader.number(entry, 1);
    if (blue != reader.number(entry + 1, 1) || blue != reader.number(entry + 2, 1)) return false;
  }
  return true;
}

}  // namespace

ImageHeader bmp_header(const EncodedImage& file) {
  const BmpReader reader(file);
  const Bmp bmp = reader.header();
  return {.width = bmp.width, .height = bmp.height, .channels = is_grey(reader, bmp) ? 1 : bmp.has_alpha() ? 4 : 3};
}

Image decode_bmp(const EncodedImage& file) {
  const BmpReader reader(file);
  const Bmp bmp = reader.header();
  Image image = reader.pixels(bmp);
  if (!is_grey(reader, bmp)) return image;
  Image grey = {image.width, image.height, 1, {}};
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) grey.pixels.push_back(image.pixels[i]);
  return grey;
}

}  // namespace iddpm
