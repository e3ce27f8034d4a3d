#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/io/image_codecs.h"

namespace iddpm {

namespace {

// What libtiff may take at once, beside the pixels that are asked for.
constexpr tmsize_t largest_allocation = tmsize_t{1} << 28;

/// The file in memory, as libtiff reads it.
struct Source {
  std::span<const std::uint8_t> bytes;
  std::uint64_t position = 0;
  char message[160] = "its data are damaged";
};

tmsize_t read_bytes(thandle_t handle, void* target, tmsize_t count) {
  auto* source = static_cast<Source*>(handle);
  const std::uint64_t size = source->bytes.size();
  if (count <= 0 || source->position >= size) return 0;
  const std::uint64_t taken = std::min<std::uint64_t>(static_cast<std::uint64_t>(count), size - source->position);
  std::memcpy(target, source->bytes.data() + source->position, static_cast<std::size_t>(taken));
  source->position += taken;
  return static_cast<tmsize_t>(taken);
}

tmsize_t write_nothing(thandle_t, void*, tmsize_t) { return 0; }

toff_t seek_source(thandle_t handle, toff_t offset, int whence) {
  auto* source = static_cast<Source*>(handle);
  source->position = whence == SEEK_SET   ? offset
                     : whence == SEEK_CUR ? source->position + offset
                                          : source->bytes.size() + offset;
  return source->position;
}

int close_source(thandle_t) { return 0; }

toff_t size_of(thandle_t handle) { return static_cast<Source*>(handle)->bytes.size(); }

int on_error(TIFF*, void* data, const char*, const char* format, va_list arguments) {
  auto* source = static_cast<Source*>(data);
  std::vsnprintf(source->message, sizeof(source->message), format, arguments);
  return 1;
}

int on_warning(TIFF*, void*, const char*, const char*, va_list) { return 1; }

struct TiffCloser {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
struct OptionsFreer {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

/// libtiff's converter to RGBA, ended on every way out.
class RgbaReader {
 public:
  bool begin(TIFF* tiff, char* message) { return begun_ = TIFFRGBAImageBegin(&image, tiff, 1, message) != 0; }
  ~RgbaReader() {
    if (begun_) TIFFRGBAImageEnd(&image);
  }

  TIFFRGBAImage image = {};

 private:
  bool begun_ = false;
};

class TiffReader {
 public:
  explicit TiffReader(const EncodedImage& file) : file_(file), source_{.bytes = file.bytes} {
    const std::unique_ptr<TIFFOpenOptions, OptionsFreer> options(TIFFOpenOptionsAlloc());
    require(options != nullptr, ErrorKind::out_of_memory, "cannot read {}: out of memory", file.name);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), largest_allocation);
    TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, &source_);
    TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_warning, nullptr);
    tiff_.reset(TIFFClientOpenExt("image", "rm", &source_, read_bytes, write_nothing, seek_source, close_source,
                                  size_of, nullptr, nullptr, options.get()));
    if (tiff_ == nullptr) broken(source_.message);
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    TIFFGetField(tiff_.get(), TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff_.get(), TIFFTAG_IMAGELENGTH, &height);
    check_packed_image_size(file, width, height);
    char message[1024] = "";
    if (!reader_.begin(tiff_.get(), message)) {
      fail(ErrorKind::unsupported, "{} is a TIFF image of a kind that isn't read: {}", file.name, message);
    }
    const auto& image = reader_.image;
    const bool grey = image.photometric == PHOTOMETRIC_MINISBLACK || image.photometric == PHOTOMETRIC_MINISWHITE;
    header_ = {.width = width, .height = height, .channels = (grey ? 1 : 3) + (image.alpha != 0 ? 1 : 0)};
  }

  const ImageHeader& header() const { return header_; }

  Image pixels() {
    Image image = {header_.width, header_.height, header_.channels, {}};
    const auto count = static_cast<std::size_t>(image.width * image.height);
    std::vector<std::uint32_t> raster(count);
    // In the order they are stored: exif_orientation knows the rest.
    reader_.image.orientation = ORIENTATION_TOPLEFT;
    reader_.image.req_orientation = ORIENTATION_TOPLEFT;
    if (TIFFRGBAImageGet(&reader_.image, raster.data(), static_cast<std::uint32_t>(image.width),
                         static_cast<std::uint32_t>(image.height)) == 0) {
      broken(source_.message);
    }
    image.pixels.reserve(count * static_cast<std::size_t>(image.channels));
    const bool has_alpha = image.channels == 2 || image.channels == 4;
    for (const std::uint32_t pixel : raster) {
      const std::uint32_t alpha = has_alpha ? TIFFGetA(pixel) : 255;
      // libtiff multiplies colours with alpha.
      const auto colour = [&](std::uint32_t value) {
        return static_cast<std::uint8_t>(alpha == 0 ? 0
                                                    : std::min<std::uint32_t>((value * 255 + alpha / 2) / alpha, 255));
      };
      image.pixels.push_back(colour(TIFFGetR(pixel)));
      if (image.channels >= 3) {
        image.pixels.push_back(colour(TIFFGetG(pixel)));
        image.pixels.push_back(colour(TIFFGetB(pixel)));
      }
      if (has_alpha) image.pixels.push_back(static_cast<std::uint8_t>(alpha));
    }
    return image;
  }

 private:
  [[noreturn]] void broken(const char* reason) const {
    fail(ErrorKind::damaged_file, "{} is a broken TIFF image, or truncated: {}", file_.name, reason);
  }

  const EncodedImage& file_;
  Source source_;
  std::unique_ptr<TIFF, TiffCloser> tiff_;
  RgbaReader reader_;  // ends before the file is closed
  ImageHeader header_;
};

}  // namespace

ImageHeader tiff_header(const EncodedImage& file) { return TiffReader(file).header(); }

Image decode_tiff(const EncodedImage& file) { return TiffReader(file).pixels(); }

}  // namespace iddpm
