#include "iddpm/io/colour_profile.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/io/hostile_files.h"
#include "tests/io/profiled_images.h"

namespace iddpm {
namespace {

std::string profile_in(const std::string& file) {
  return foreign_colour_profile({reinterpret_cast<const std::uint8_t*>(file.data()), file.size()});
}

}  // namespace

TEST(ColourProfile, OthersThanSrgbAreNamedInEveryFormat) {
  for (const bool version_4 : {false, true}) {
    const std::string profile = icc_profile("RGB ", "Display P3", display_p3, 2.2, version_4);
    for (const auto& put : {in_jpeg, in_png, in_webp, in_tiff}) EXPECT_EQ(profile_in(put(profile)), "Display P3");
  }
}

TEST(ColourProfile, ThoseThatMeanSrgbAreNot) {
  for (const std::string& profile :
       {icc_profile("RGB ", "c2", srgb), icc_profile("RGB ", "sRGB IEC61966-2.1", display_p3),
        icc_profile("GRAY", "Gray Gamma 2.2", display_p3)}) {
    EXPECT_EQ(profile_in(in_jpeg(profile)), "");
  }
  EXPECT_EQ(profile_in(jpeg_bytes(gradient(8, 8, 3))), "");
  EXPECT_EQ(profile_in(encode_png(gradient(8, 8, 3))), "");
}

TEST(ColourProfile, WhatDiffersIsSeenInItsNumbers) {
  EXPECT_EQ(profile_in(in_jpeg(icc_profile("RGB ", "scan", srgb, 1.0))), "scan") << "linear";
  EXPECT_EQ(profile_in(in_jpeg(icc_profile("GRAY", "Dot Gain 30%", srgb, 1.4))), "Dot Gain 30%");
  EXPECT_EQ(profile_in(in_jpeg(icc_profile("CMYK", "", srgb))), "a CMYK profile");
  EXPECT_EQ(profile_in(in_jpeg(icc_profile("RGB ", "\x01\x80", display_p3))), "a profile without a name");
}

TEST(ColourProfile, IsToldBesideTheSizeOfAnImage) {
  const TemporaryFolder folder;
  const std::string profile = icc_profile("RGB ", "Display P3", display_p3);
  for (const std::string& file : {in_jpeg(profile), in_png(profile)}) {
    const auto path = folder.write("image", file);
    EXPECT_EQ(read_image_header(path).colour_profile, "Display P3");
    EXPECT_EQ(read_image(path).width, 8) << "read as it is";
  }
}

TEST(ColourProfile, BrokenOnesAreHeldAgainstTheirBytes) {
  const std::string profile = icc_profile("RGB ", "Display P3", display_p3);
  for (const std::string& file : {in_jpeg(profile), in_png(profile), in_webp(profile), in_tiff(profile)}) {
    for (std::size_t length = 0; length < file.size(); length += 3) (void)profile_in(file.substr(0, length));
    EXPECT_EQ(errors_of_flipped_bytes(file, [](const std::string& changed) { (void)profile_in(changed); }), 0U);
  }
}

}  // namespace iddpm
