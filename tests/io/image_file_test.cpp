#include "iddpm/io/image_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "tests/io/hostile_files.h"
#include "tests/io/image_samples.h"

namespace iddpm {
namespace {

using Pixels = std::vector<std::uint8_t>;

Image decode(const std::string& bytes) { return decode_image(bytes, "sample"); }

/// The largest difference of two images of one size.
int distance(const Image& a, const Image& b) {
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.height, b.height);
  EXPECT_EQ(a.channels, b.channels);
  if (a.pixels.size() != b.pixels.size()) return 256;
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

TEST(Png, RoundTripKeepsEveryChannelCount) {
  for (const std::int64_t channels : {1, 2, 3, 4}) {
    const Image image = gradient(7, 5, channels);
    EXPECT_EQ(distance(decode(encode_png(image)), image), 0) << channels;
  }
}

TEST(Png, WritesAFileWithItsComment) {
  const TemporaryFolder folder;
  write_png(folder / "a.png", gradient(3, 2, 3), "seed 7");
  EXPECT_EQ(distance(read_image(folder / "a.png"), gradient(3, 2, 3)), 0);
  EXPECT_NE(contents_of(folder / "a.png").find(std::string("tEXtComment\0seed 7", 18)), std::string::npos);
  const std::string beyond_ascii = encode_png(gradient(3, 2, 3), "caf\xc3\xa9");
  EXPECT_NE(beyond_ascii.find("iTXtComment"), std::string::npos);
  EXPECT_EQ(distance(decode(beyond_ascii), gradient(3, 2, 3)), 0);
}

TEST(Png, SixteenBitsAreRoundedToEight) {
  const PngSample sample = {
      .width = 3, .height = 1, .bit_depth = 16, .color_type = 0, .rows = {std::string("\x00\x00\x80\x80\xff\xff", 6)}};
  const Image image = decode(png_bytes(sample));
  EXPECT_EQ(image.channels, 1);
  EXPECT_EQ(image.pixels, (Pixels{0, 128, 255}));
}

TEST(Png, SixteenBitColoursWithAlphaKeepFourChannels) {
  const PngSample sample = {.width = 1,
                            .height = 1,
                            .bit_depth = 16,
                            .color_type = 6,
                            .rows = {std::string("\xff\xff\x00\x00\x80\x80\x40\x40", 8)}};
  EXPECT_EQ(decode(png_bytes(sample)).pixels, (Pixels{255, 0, 128, 64}));
}

TEST(Png, PaletteBecomesColours) {
  PngSample sample = {.width = 4, .height = 2, .bit_depth = 2, .color_type = 3, .rows = {"\x1b", "\xe4"}};
  sample.palette = std::string("\x00\x00\x00\xff\x00\x00\x00\xff\x00\x00\x00\xff", 12);
  const Image image = decode(png_bytes(sample));
  EXPECT_EQ(image.channels, 3);
  EXPECT_EQ(image.pixels, (Pixels{0, 0, 0,   255, 0,   0, 0,   255, 0, 0, 0, 255,  //
                                  0, 0, 255, 0,   255, 0, 255, 0,   0, 0, 0, 0}));
  sample.transparency = std::string("\x00\x80", 2);
  const Image transparent = decode(png_bytes(sample));
  EXPECT_EQ(transparent.channels, 4);
  EXPECT_EQ(transparent.pixels[3], 0);
  EXPECT_EQ(transparent.pixels[7], 128);
  EXPECT_EQ(transparent.pixels[11], 255);
}

TEST(Png, GreyOfOneBitIsSpreadToEight) {
  const PngSample sample = {.width = 8, .height = 1, .bit_depth = 1, .color_type = 0, .rows = {"\xa5"}};
  EXPECT_EQ(decode(png_bytes(sample)).pixels, (Pixels{255, 0, 255, 0, 0, 255, 0, 255}));
}

TEST(Png, GreyWithAlphaHasTwoChannels) {
  const PngSample sample = {
      .width = 2, .height = 1, .bit_depth = 8, .color_type = 4, .rows = {std::string("\x10\x20\x30\x00", 4)}};
  const Image image = decode(png_bytes(sample));
  EXPECT_EQ(image.channels, 2);
  EXPECT_EQ(image.pixels, (Pixels{16, 32, 48, 0}));
}

TEST(Png, TextThatUnpacksToMuchIsNotUnpacked) {
  PngSample sample = {.width = 1, .height = 1, .rows = {"\x7f"}};
  sample.extra_chunk = std::string("Comment\0\0not deflated at all", 28);
  EXPECT_EQ(decode(png_bytes(sample)).pixels, Pixels{127});
}

TEST(Jpeg, DecodesColoursGreyAndProgressive) {
  for (const std::int64_t channels : {1, 3}) {
    for (const bool progressive : {false, true}) {
      const Image image = gradient(37, 21, channels);
      EXPECT_LE(distance(decode(jpeg_bytes(image, progressive)), image), 6) << channels << progressive;
    }
  }
}

TEST(Jpeg, InkBecomesRedGreenBlue) {
  Image ink = {.width = 16, .height = 16, .channels = 4};
  for (int i = 0; i < 256; ++i) ink.pixels.insert(ink.pixels.end(), {255, 128, 0, 200});
  const Image rgb = decode(jpeg_bytes(ink));
  ASSERT_EQ(rgb.channels, 3);
  EXPECT_NEAR(rgb.pixels[0], 200, 3);
  EXPECT_NEAR(rgb.pixels[1], 100, 3);
  EXPECT_NEAR(rgb.pixels[2], 0, 3);
}

TEST(WebP, DecodesWithAndWithoutAlphaAndLoss) {
  for (const std::int64_t channels : {3, 4}) {
    const Image image = gradient(20, 12, channels);
    EXPECT_EQ(distance(decode(webp_bytes(image, true)), image), 0) << channels;
    EXPECT_LE(distance(decode(webp_bytes(image, false)), image), 40) << channels;
  }
}

TEST(WebP, AnimationIsRefused) {
  std::string bytes = std::string("RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x09\0\0\x09\0\0", 30);
  EXPECT_TRUE(throws_error([&] { decode(bytes); }, "sample is an animated WebP"));
}

/// Every kind of file, by name.
std::vector<std::pair<std::string, std::string>> all_samples() {
  const Image colours = gradient(9, 7, 3);
  return {{"png", encode_png(gradient(9, 7, 4), "a comment")},
          {"jpeg", jpeg_bytes(colours)},
          {"grey jpeg", jpeg_bytes(gradient(9, 7, 1))},
          {"progressive jpeg", jpeg_bytes(colours, true)},
          {"ink jpeg", jpeg_bytes(gradient(9, 7, 4))},
          {"lossless webp", webp_bytes(colours, true)},
          {"webp", webp_bytes(colours, false)},
          {"webp with alpha", webp_bytes(gradient(9, 7, 4), false)}};
}

TEST(BrokenImages, TruncationIsAnErrorAtEveryLength) {
  for (const auto& [name, bytes] : all_samples()) {
    SCOPED_TRACE(name);
    expect_error_at_every_truncation(bytes, [](const std::string& cut) { decode(cut); });
  }
}

TEST(BrokenImages, FlippedBytesNeverCrash) {
  for (const auto& [name, bytes] : all_samples()) {
    SCOPED_TRACE(name);
    const std::size_t errors = errors_of_flipped_bytes(
        bytes, [](const std::string& changed) { decode_image(changed, "sample", 1 << 20); }, 500);
    EXPECT_GT(errors, 0u);
  }
}

TEST(BrokenImages, NamesTheFileAndWhatIsWrong) {
  const TemporaryFolder folder;
  EXPECT_TRUE(throws_error([&] { read_image(folder / "none.png"); }, "none.png: No such file"));
  EXPECT_TRUE(throws_error([&] { read_image(folder.write("a.png", "")); }, "a.png is empty"));
  EXPECT_TRUE(throws_error([&] { read_image(folder.write("b.png", "text")); },
                           "b.png is not a PNG, JPEG, WebP, GIF, BMP or TIFF image"));
  const std::string png = encode_png(gradient(50, 50, 3));
  EXPECT_TRUE(throws_error([&] { read_image(folder.write("c.png", png.substr(0, png.size() / 2))); },
                           "c.png is a broken PNG image: it is truncated"));
  const std::string jpeg = jpeg_bytes(gradient(50, 50, 3));
  EXPECT_TRUE(throws_error([&] { read_image(folder.write("d.png", jpeg.substr(0, jpeg.size() / 2))); },
                           "d.png is a broken JPEG image: it is truncated"));
  const std::string webp = webp_bytes(gradient(50, 50, 3), true);
  EXPECT_TRUE(throws_error([&] { read_image(folder.write("e.png", webp.substr(0, webp.size() / 2))); },
                           "e.png is a broken WebP image: it is truncated"));
}

TEST(BrokenImages, HugeSizesAreRefusedBeforeMemoryIsTaken) {
  const PngSample beyond_limit = {.width = 1'000'000, .height = 1'000'000, .rows = {"\x7f"}};
  EXPECT_TRUE(throws_error([&] { decode(png_bytes(beyond_limit)); }, "more than the limit of 268435456 pixels"));
  const PngSample beyond_contents = {.width = 16'000, .height = 16'000, .rows = {"\x7f"}};
  EXPECT_TRUE(
      throws_error([&] { decode(png_bytes(beyond_contents)); }, "is truncated: it claims 16000 x 16000 pixels"));
  const PngSample beyond_format = {.width = 0xffffffffu, .height = 0xffffffffu, .rows = {"\x7f"}};
  EXPECT_TRUE(throws_error([&] { decode(png_bytes(beyond_format)); }, "broken PNG image"));

  std::string jpeg = jpeg_bytes(gradient(8, 8, 3));
  const std::size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\x3e\x80\x3e\x80");
  EXPECT_TRUE(throws_error([&] { decode(jpeg); }, "is truncated: it claims 16000 x 16000 pixels"));
  jpeg.replace(frame + 5, 4, "\xff\xdc\xff\xdc");
  EXPECT_TRUE(throws_error([&] { decode(jpeg); }, "more than the limit"));

  for (const auto& [name, bytes] : all_samples()) {
    EXPECT_TRUE(throws_error([&] { decode_image(bytes, "sample", 62); }, "sample is 9 x 7 pixels, more than the limit"))
        << name;
    EXPECT_EQ(decode_image(bytes, "sample", 63).width, 9) << name;
  }
}

TEST(EncodePng, RefusesWhatIsNoImage) {
  EXPECT_TRUE(
      throws_error([] { encode_png({.width = 1, .height = 1, .channels = 5, .pixels = Pixels(5)}); }, "5 channels"));
  EXPECT_TRUE(throws_error([] { encode_png({.width = 0, .height = 1, .channels = 3}); }, "0 x 1 pixels"));
  EXPECT_TRUE(throws_error([] { encode_png({.width = 2, .height = 2, .channels = 3, .pixels = Pixels(11)}); },
                           "has 11 bytes of pixels, expected 12"));
}

TEST(ImageNames, AreToldByTheirEndings) {
  for (const char* name : {"a.png", "a.PNG", "x/y.JpEg", "b.jpg", "c.webp", "d.GIF", "e.bmp", "f.tif", "g.Tiff"})
    EXPECT_TRUE(is_image_file_name(name)) << name;
  for (const char* name : {"a.heic", "png", ".png", "a.png.txt", "a"}) EXPECT_FALSE(is_image_file_name(name)) << name;
}

TEST(ImageFromTensor, MapsMinusOneToOneOntoBytes) {
  const Tensor x = at::tensor({-1.0, 0.0, 1.0, -2.0, 2.0, 0.5}, at::kFloat).reshape({1, 2, 3});
  const Image image = image_from_tensor(x);
  EXPECT_EQ(image.width, 3);
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(image.channels, 1);
  EXPECT_EQ(image.pixels, (Pixels{0, 128, 255, 0, 255, 191}));
}

TEST(ImageFromTensor, RefusesWhatIsNotFinite) {
  Tensor x = at::zeros({1, 2, 3});
  x[0][1][2] = std::nan("");
  EXPECT_THROW(image_from_tensor(x), NotFiniteError);
}

TEST(ImageFromTensor, RefusesOtherShapes) {
  EXPECT_TRUE(throws_error([] { image_from_tensor(at::zeros({1, 3, 4, 4})); }, "shape [1, 3, 4, 4]"));
  EXPECT_TRUE(throws_error([] { image_from_tensor(at::zeros({5, 4, 4})); }, "shape [5, 4, 4]"));
}

TEST(TensorFromImage, InvertsEveryByte) {
  Image image = {.width = 16, .height = 8, .channels = 2};
  for (int i = 0; i < 256; ++i) image.pixels.push_back(static_cast<std::uint8_t>(i));
  const Tensor x = tensor_from_image(image);
  EXPECT_EQ(x.sizes(), at::IntArrayRef({2, 8, 16}));
  EXPECT_EQ(x.scalar_type(), at::kFloat);
  EXPECT_EQ(x[1][0][0].item<float>(), 1.0f / 127.5f - 1.0f);
  EXPECT_EQ(image_from_tensor(x).pixels, image.pixels);
}

}  // namespace
}  // namespace iddpm
