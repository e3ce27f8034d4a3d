#include <gtest/gtest.h>
#include <tiffio.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "iddpm/io/image_file.h"
#include "tests/io/hostile_files.h"
#include "tests/io/image_samples.h"

namespace iddpm {
namespace {

using Pixels = std::vector<std::uint8_t>;

Image decoded(const std::string& bytes, Orientation orientation = Orientation::apply) {
  return decode_image(bytes, "sample", 1 << 20, orientation);
}

const std::string two_by_two =
    bmp_bytes(2, 2, 24, "", {"\x01\x02\x03\x04\x05\x06\0\0\x07\x08\x09\x0a\x0b\x0c\0\0", 16});

TEST(Bmp, OfThreeBytesAPixelIsReadFromItsLastRow) {
  const Image image = decoded(two_by_two);
  EXPECT_EQ(image.width, 2);
  EXPECT_EQ(image.channels, 3);
  EXPECT_EQ(image.pixels, (Pixels{9, 8, 7, 12, 11, 10, 3, 2, 1, 6, 5, 4}));
}

TEST(Bmp, OfNegativeHeightIsReadFromItsFirstRow) {
  const Image image = decoded(bmp_bytes(1, -2, 24, "", {"\x01\x02\x03\0\x04\x05\x06\0", 8}));
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(image.pixels, (Pixels{3, 2, 1, 6, 5, 4}));
}

TEST(Bmp, WithAPaletteOfGreysIsGrey) {
  std::string greys;
  std::string colours;
  for (int i = 0; i < 256; ++i) {
    greys += std::string(3, static_cast<char>(i)) + '\0';
    colours += {static_cast<char>(i), 0, 0, 0};
  }
  const Image grey = decoded(bmp_bytes(3, 1, 8, greys, {"\x05\xff\x80\0", 4}));
  EXPECT_EQ(grey.channels, 1);
  EXPECT_EQ(grey.pixels, (Pixels{5, 255, 128}));
  EXPECT_EQ(decoded(bmp_bytes(3, 1, 8, colours, {"\x05\xff\x80\0", 4})).pixels,
            (Pixels{0, 0, 5, 0, 0, 255, 0, 0, 128}));
}

/// 256 colours, the i-th of them (i, 0, 0) in RGB.
std::string reds() {
  std::string palette;
  for (int i = 0; i < 256; ++i) palette += {0, 0, static_cast<char>(i), 0};
  return palette;
}

/// The red of each pixel.
Pixels reds_of(const Image& image) {
  Pixels reds;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) reds.push_back(image.pixels[i]);
  return reds;
}

TEST(Bmp, OfRunsOfBytesIsRead) {
  // From the last row on: three 7 and a jump by nothing; a jump by one, two 9; 5, 6, 8 one by one, padded; the end.
  const std::string runs(
      "\x03\x07\x00\x02\x00\x00\x00\x00\x00\x02\x01\x00\x02\x09\x00\x00\x00\x03\x05\x06\x08\x00\x00\x01", 24);
  const std::string bytes = bmp_bytes(3, 3, 8, reds(), runs, 1);
  EXPECT_EQ(reds_of(decoded(bytes)), (Pixels{5, 6, 8, 0, 9, 9, 7, 7, 7}));
  for (std::size_t length = 2; length < bytes.size() - 2; ++length) {
    EXPECT_TRUE(throws_error([&] { decoded(bytes.substr(0, length)); }, "sample")) << length;
  }
  errors_of_flipped_bytes(bytes, [](const std::string& changed) { decoded(changed); });
}

TEST(Bmp, OfRunsOfHalfBytesIsRead) {
  // Five of 1 and 2 in turn; then 3, 4, 5 one by one in two bytes.
  const std::string runs("\x05\x12\x00\x00\x00\x03\x34\x50\x00\x01", 10);
  EXPECT_EQ(reds_of(decoded(bmp_bytes(5, 2, 4, reds().substr(0, 64), runs, 2))),
            (Pixels{3, 4, 5, 0, 0, 1, 2, 1, 2, 1}));
}

TEST(Bmp, RunsBeyondTheirImageAreNotFollowed) {
  const std::string runs("\xff\x07\x00\x02\xff\xff\xff\x07\x00\x01", 10);
  EXPECT_EQ(reds_of(decoded(bmp_bytes(2, 1, 8, reds(), runs, 1))), (Pixels{7, 7}));
  EXPECT_TRUE(
      throws_error([&] { decode_image(bmp_bytes(30000, 30000, 8, reds(), runs, 1), "sample", 1 << 30); }, "truncated"));
}

TEST(Bmp, OtherCompressionsAreRefusedByName) {
  EXPECT_TRUE(throws_error([] { decoded(bmp_bytes(2, 2, 8, std::string(1024, '\0'), "abcd", 4)); },
                           "BMP image of compression 4"));
  EXPECT_TRUE(throws_error([] { decoded(bmp_bytes(2, 2, 4, std::string(64, '\0'), "abcd", 1)); },
                           "BMP image of compression 1"));
}

TEST(Bmp, ClaimsAreHeldAgainstItsBytes) {
  EXPECT_TRUE(throws_error([] { decoded(bmp_bytes(900, 900, 24, "", "abc")); }, "claims 900 x 900 pixels but holds"));
  for (std::size_t length = 2; length < two_by_two.size(); ++length) {
    EXPECT_TRUE(throws_error([&] { decoded(two_by_two.substr(0, length)); }, "sample")) << length;
  }
}

TEST(Gif, IsItsFirstFrame) {
  const TemporaryFolder folder;
  const Pixels first = {10, 20, 30, 40, 50, 60, 70, 80, 90, 70, 80, 90, 40, 50, 60, 10, 20, 30};
  for (const bool two_frames : {false, true}) {
    const Image image = decoded(gif_bytes(folder, -1, two_frames));
    EXPECT_EQ(image.width, 3);
    EXPECT_EQ(image.height, 2);
    EXPECT_EQ(image.pixels, first);
  }
}

TEST(Gif, ItsTransparentColourIsAlpha) {
  const TemporaryFolder folder;
  const Image image = decoded(gif_bytes(folder, 1, false));
  EXPECT_EQ(image.channels, 4);
  EXPECT_EQ(image.pixels[3], 255);
  EXPECT_EQ(image.pixels[7], 0);
}

TEST(Gif, BrokenAndHugeOnesAreErrors) {
  const TemporaryFolder folder;
  const std::string whole = gif_bytes(folder, 1, false);
  for (std::size_t length = 6; length + 3 < whole.size(); ++length) {
    EXPECT_TRUE(throws_error([&] { decoded(whole.substr(0, length)); }, "sample")) << length;
  }
  std::string huge = whole;
  huge.replace(6, 4, "\xff\xff\xff\xff");
  EXPECT_TRUE(throws_error([&] { decode_image(huge, "sample", std::int64_t{1} << 40); }, "claims 65535 x 65535"));
}

TEST(Tiff, GreyAndColourAreReadHoweverTheyArePacked) {
  const TemporaryFolder folder;
  for (const int compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS}) {
    for (const std::int64_t channels : {1, 3}) {
      const Image image = gradient(9, 7, channels);
      const Image read = decoded(tiff_bytes(folder, image, compression));
      EXPECT_EQ(read.channels, channels) << compression;
      EXPECT_EQ(read.pixels, image.pixels) << compression;
    }
  }
}

TEST(Tiff, AlphaLeavesColoursAsTheyAre) {
  const TemporaryFolder folder;
  Image image = gradient(4, 4, 4);
  for (std::size_t i = 3; i < image.pixels.size(); i += 4) image.pixels[i] = i < 32 ? 255 : 128;
  const Image read = decoded(tiff_bytes(folder, image, COMPRESSION_NONE));
  ASSERT_EQ(read.channels, 4);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) EXPECT_NEAR(read.pixels[i], image.pixels[i], 2) << i;
}

TEST(Tiff, BrokenAndHugeOnesAreErrors) {
  const TemporaryFolder folder;
  const std::string whole = tiff_bytes(folder, gradient(9, 7, 3), COMPRESSION_LZW);
  errors_of_flipped_bytes(
      whole, [](const std::string& changed) { decode_image(changed, "sample", 1 << 20); }, 300);
  EXPECT_TRUE(throws_error([&] { decoded(whole.substr(0, whole.size() / 2)); }, "sample is"));
  // The first entry of the directory is the width, the second the height, both 16 or 32 bits.
  std::string huge = whole;
  const auto directory = static_cast<unsigned char>(huge[4]) | static_cast<unsigned char>(huge[5]) << 8;
  for (const int entry : {0, 1}) huge.replace(static_cast<std::size_t>(directory + 2 + 12 * entry + 8), 2, "\x30\xf0");
  EXPECT_TRUE(throws_error([&] { decode_image(huge, "sample", std::int64_t{1} << 40); }, "claims"));
}

TEST(WebP, ABlankGiantInAFewBytesIsRefused) {
  const Image blank = {.width = 4, .height = 4, .channels = 3, .pixels = Pixels(48)};
  std::string bytes = webp_bytes(blank, true);
  // VP8L: 14 bits of width - 1 and height - 1 after the signature byte.
  const std::size_t place = bytes.find('\x2f') + 1;
  bytes.replace(place, 3, "\xff\xff\xff");
  bytes[place + 3] = static_cast<char>(bytes[place + 3] | 0x0f);
  EXPECT_TRUE(throws_error([&] { decode_image(bytes, "sample", std::int64_t{1} << 40); }, "claims 16384 x 16384"));
}

/// Two rows of three pixels: what an orientation does is told by where each ends up.
const Image stored = {.width = 3, .height = 2, .channels = 1, .pixels = {1, 2, 3, 4, 5, 6}};

const std::vector<std::pair<int, Pixels>> shown = {
    {1, {1, 2, 3, 4, 5, 6}}, {2, {3, 2, 1, 6, 5, 4}}, {3, {6, 5, 4, 3, 2, 1}}, {4, {4, 5, 6, 1, 2, 3}},
    {5, {1, 4, 2, 5, 3, 6}}, {6, {4, 1, 5, 2, 6, 3}}, {7, {6, 3, 5, 2, 4, 1}}, {8, {3, 6, 2, 5, 1, 4}}};

std::string exif(int orientation, bool big_endian) {
  const std::string value(1, static_cast<char>(orientation));
  using namespace std::string_literals;
  if (big_endian) return "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"s + value + "\0\0\0\0\0\0"s;
  return "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"s + value + "\0\0\0\0\0\0\0"s;
}

TEST(Orientation, OfAPngTurnsAndMirrors) {
  for (const auto& [orientation, pixels] : shown) {
    for (const bool big_endian : {false, true}) {
      const std::string block = exif(orientation, big_endian);
      std::string png = encode_png(stored);
      // After the header; the decoder doesn't check the chunk's sum, as it doesn't read it.
      png.insert(33, std::string(3, '\0') + static_cast<char>(block.size()) + "eXIf" + block + std::string(4, '\0'));
      const Image image = decode_image(png, "sample", 100);
      EXPECT_EQ(image.pixels, pixels) << orientation;
      EXPECT_EQ(image.width, orientation >= 5 ? 2 : 3) << orientation;
      EXPECT_EQ(decoded(png, Orientation::ignore).pixels, stored.pixels);
    }
  }
}

TEST(Orientation, IsFoundInJpegWebPAndTiff) {
  const TemporaryFolder folder;
  const Image wide = gradient(16, 8, 3);
  std::string jpeg = jpeg_bytes(wide);
  const std::string block = std::string("Exif\0\0", 6) + exif(6, true);
  const std::string segment = std::string("\xff\xe1\0", 3) + static_cast<char>(block.size() + 2) + block;
  jpeg.insert(2, segment);
  EXPECT_EQ(decoded(jpeg).width, 8);
  EXPECT_EQ(decoded(jpeg).height, 16);

  const std::string webp = webp_bytes(wide, true);
  const std::string body = exif(6, false);
  const std::string with_exif = webp + "EXIF" + little_endian(static_cast<std::uint32_t>(body.size())) + body;
  EXPECT_EQ(decoded(with_exif).width, 8);

  EXPECT_EQ(decoded(tiff_bytes(folder, stored, COMPRESSION_NONE, 6)).pixels, (Pixels{4, 1, 5, 2, 6, 3}));
  EXPECT_EQ(read_image_header(folder.write("a.jpg", jpeg)), (ImageHeader{8, 16, 3}));
  EXPECT_EQ(read_image_header(folder.write("a.jpg", jpeg), Orientation::ignore), (ImageHeader{16, 8, 3}));
}

TEST(Orientation, ThatMakesNoSenseIsNone) {
  std::string png = encode_png(stored);
  for (const std::string& block :
       {exif(0, true), exif(9, false), exif(6, true).substr(0, 12), std::string("MM\0*\xff\xff\xff\xff", 8)}) {
    std::string changed = png;
    changed.insert(33, std::string(3, '\0') + static_cast<char>(block.size()) + "eXIf" + block + std::string(4, '\0'));
    EXPECT_EQ(decoded(changed).pixels, stored.pixels);
  }
}

}  // namespace
}  // namespace iddpm
