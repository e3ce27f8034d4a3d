#include <gif_lib.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

#include "iddpm/core/error.h"
#include "iddpm/io/image_codecs.h"

namespace iddpm {

namespace {

struct GifCloser {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};
using Gif = std::unique_ptr<GifFileType, GifCloser>;

int take_bytes(GifFileType* gif, GifByteType* target, int count) {
  auto* rest = static_cast<std::span<const std::uint8_t>*>(gif->UserData);
  const std::size_t taken = std::min(rest->size(), static_cast<std::size_t>(std::max(count, 0)));
  if (taken > 0) std::memcpy(target, rest->data(), taken);
  *rest = rest->subspan(taken);
  return static_cast<int>(taken);
}

/// The first frame of a GIF, record by record: what comes after it costs nothing.
class GifReader {
 public:
  explicit GifReader(const EncodedImage& file) : file_(file), rest_(file.bytes) {
    int code = 0;
    gif_.reset(DGifOpen(&rest_, take_bytes, &code));
    if (!gif_) broken(code);
    check_packed_image_size(file_, gif_->SWidth, gif_->SHeight);
  }

  /// Goes to the frame.
  void find_frame() {
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    for (;;) {
      require_success(DGifGetRecordType(gif_.get(), &type));
      if (type == IMAGE_DESC_RECORD_TYPE) break;
      if (type != EXTENSION_RECORD_TYPE) fail(ErrorKind::damaged_file, "{} is a GIF without an image", file_.name);
      read_extension();
    }
    require_success(DGifGetImageDesc(gif_.get()));
    const GifImageDesc& frame = gif_->Image;
    require(frame.Width > 0 && frame.Height > 0 && frame.Left >= 0 && frame.Top >= 0 &&
                frame.Left + frame.Width <= gif_->SWidth && frame.Top + frame.Height <= gif_->SHeight,
            ErrorKind::damaged_file, "{} is a broken GIF image: its first frame doesn't fit its canvas", file_.name);
    colours_ = frame.ColorMap != nullptr ? frame.ColorMap : gif_->SColorMap;
    require(colours_ != nullptr && colours_->ColorCount > 0, ErrorKind::damaged_file,
            "{} is a broken GIF image: it has no colours", file_.name);
  }

  ImageHeader header() const {
    const GifImageDesc& frame = gif_->Image;
    const bool covers = frame.Width == gif_->SWidth && frame.Height == gif_->SHeight;
    return {.width = gif_->SWidth, .height = gif_->SHeight, .channels = transparent_ || !covers ? 4 : 3};
  }

  Image pixels() {
    const ImageHeader header = this->header();
    Image image = {header.width, header.height, header.channels, {}};
    image.pixels.resize(static_cast<std::size_t>(image.width * image.height * image.channels));
    const GifImageDesc& frame = gif_->Image;
    std::vector<GifPixelType> line(static_cast<std::size_t>(frame.Width));
    constexpr int first_rows[] = {0, 4, 2, 1};
    constexpr int row_steps[] = {8, 8, 4, 2};
    for (int pass = 0; pass < (frame.Interlace ? 4 : 1); ++pass) {
      for (int y = frame.Interlace ? first_rows[pass] : 0; y < frame.Height;
           y += frame.Interlace ? row_steps[pass] : 1) {
        require_success(DGifGetLine(gif_.get(), line.data(), frame.Width));
        set_row(image, line, frame.Left, frame.Top + y);
      }
    }
    return image;
  }

 private:
  [[noreturn]] void broken(int code) const {
    const char* reason = GifErrorString(code);
    fail(ErrorKind::damaged_file, "{} is a broken GIF image, or truncated: {}", file_.name,
         reason != nullptr ? reason : "its data are damaged");
  }

  void require_success(int status) const {
    if (status != GIF_OK) broken(gif_->Error);
  }

  void read_extension() {
    int code = 0;
    GifByteType* block = nullptr;
    require_success(DGifGetExtension(gif_.get(), &code, &block));
    while (block != nullptr) {
      GraphicsControlBlock control;
      if (code == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
        transparent_ =
            control.TransparentColor == NO_TRANSPARENT_COLOR ? std::nullopt : std::optional(control.TransparentColor);
      }
      require_success(DGifGetExtensionNext(gif_.get(), &block));
    }
  }

  void set_row(Image& image, const std::vector<GifPixelType>& line, int left, int y) const {
    const auto channels = static_cast<std::size_t>(image.channels);
    std::uint8_t* target = image.pixels.data() + static_cast<std::size_t>(y * image.width + left) * channels;
    for (const GifPixelType index : line) {
      require(index < colours_->ColorCount, ErrorKind::damaged_file, "{} is a broken GIF image: it has no colour {}",
              file_.name, index);
      const GifColorType& colour = colours_->Colors[index];
      target[0] = colour.Red;
      target[1] = colour.Green;
      target[2] = colour.Blue;
      if (channels == 4) target[3] = transparent_ == index ? 0 : 255;
      target += channels;
    }
  }

  const EncodedImage& file_;
  std::span<const std::uint8_t> rest_;
  Gif gif_;
  const ColorMapObject* colours_ = nullptr;
  std::optional<int> transparent_;
};

}  // namespace

ImageHeader gif_header(const EncodedImage& file) {
  GifReader reader(file);
  reader.find_frame();
  return reader.header();
}

Image decode_gif(const EncodedImage& file) {
  GifReader reader(file);
  reader.find_frame();
  return reader.pixels();
}

}  // namespace iddpm
