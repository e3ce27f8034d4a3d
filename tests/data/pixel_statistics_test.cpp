#include "iddpm/data/pixel_statistics.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "iddpm/io/pixels.h"
#include "tests/data/data_samples.h"

namespace iddpm {
namespace {

// uint8 [n, 3, 5, 7] without any regularity.
Tensor patterned_pixels(std::int64_t n) {
  const Tensor numbers = at::arange(n * 3 * 5 * 7, at::kDouble);
  return (at::sin(numbers * 12.9898) * 43758.5).remainder(256).to(at::kByte).view({n, 3, 5, 7});
}

PixelStatistics statistics_of(const Tensor& images) {
  PixelStatistics statistics;
  add(statistics, images);
  return statistics;
}

PixelStatistics of_plain_images(const std::vector<std::int64_t>& channels) {
  const auto count = static_cast<std::int64_t>(channels.size());
  return statistics_of(at::tensor(channels, at::kLong).to(at::kByte).view({1, count, 1, 1}).expand({4, count, 2, 2}));
}

TEST(PixelStatistics, AreTheSumsOfEachChannelsPixels) {
  const Tensor images = at::tensor({0, 2, 3, 7, 249, 250, 255, 7}, at::kInt).to(at::kByte).view({2, 2, 1, 2});
  const PixelStatistics statistics = statistics_of(images);
  EXPECT_EQ(statistics.images, 2);
  ASSERT_EQ(statistics.channels.size(), 2U);
  const ChannelStatistics first = {.pixels = 4, .sum = 501, .sum_of_squares = 124505, .black = 2, .white = 1};
  EXPECT_EQ(statistics.channels[0], first);
  EXPECT_DOUBLE_EQ(first.mean(), 125.25);
  EXPECT_DOUBLE_EQ(first.spread(), std::sqrt(124505 / 4.0 - 125.25 * 125.25));
  EXPECT_DOUBLE_EQ(first.black_share(), 0.5);
  EXPECT_DOUBLE_EQ(first.white_share(), 0.25);
  const ChannelStatistics second = {.pixels = 4, .sum = 272, .sum_of_squares = 65132, .black = 0, .white = 1};
  EXPECT_EQ(statistics.channels[1], second);
}

TEST(PixelStatistics, AreThoseThatFloatsGive) {
  const Tensor pixels = patterned_pixels(9).to(at::kDouble);
  const PixelStatistics statistics = statistics_of(pixels.to(at::kByte));
  for (std::int64_t c = 0; c < 3; ++c) {
    const Tensor channel = pixels.select(1, c);
    EXPECT_NEAR(statistics.channels[c].mean(), channel.mean().item<double>(), 1e-9);
    EXPECT_NEAR(statistics.channels[c].spread(), channel.std(false).item<double>(), 1e-9);
    EXPECT_NEAR(statistics.channels[c].black_share(), channel.le(2).to(at::kDouble).mean().item<double>(), 1e-12);
    EXPECT_NEAR(statistics.channels[c].white_share(), channel.ge(250).to(at::kDouble).mean().item<double>(), 1e-12);
  }
}

TEST(PixelStatistics, DependOnNeitherOrderNorParts) {
  const Tensor images = patterned_pixels(12);
  const PixelStatistics whole = statistics_of(images);
  PixelStatistics parts;
  for (const std::int64_t i : {7, 0, 3}) add(parts, images.narrow(0, i, 1));
  add(parts, images.narrow(0, 8, 4).flip({0, 2, 3}));
  add(parts, images.narrow(0, 1, 2));
  add(parts, images.narrow(0, 4, 3));
  EXPECT_EQ(parts, whole);
}

TEST(PixelStatistics, OfFloatsAreThoseOfTheirBytes) {
  const Tensor images = patterned_pixels(5);
  EXPECT_EQ(statistics_of(from_pixels(images)), statistics_of(images));
  EXPECT_EQ(statistics_of(images.permute({0, 1, 3, 2})), statistics_of(images)) << "whatever the strides";
}

TEST(PixelStatistics, RefuseWhatTheyCantCount) {
  PixelStatistics statistics = statistics_of(patterned_pixels(2));
  const PixelStatistics before = statistics;
  expect_error([&] { add(statistics, at::zeros({1, 1, 5, 7}, at::kByte)); }, {"3 channels", "got 1"});
  expect_error([&] { add(statistics, at::zeros({3, 5, 7}, at::kByte)); }, {"[N, C, H, W]", "[3, 5, 7]"});
  const Tensor broken = at::full({1, 3, 5, 7}, std::numeric_limits<float>::quiet_NaN());
  EXPECT_THROW(add(statistics, broken), NotFiniteError);
  EXPECT_EQ(statistics, before);
}

TEST(PixelStatistics, SurviveAsJson) {
  for (const PixelStatistics& statistics : {statistics_of(patterned_pixels(3)), PixelStatistics{}}) {
    const nlohmann::json json = statistics;
    EXPECT_EQ(nlohmann::json::parse(json.dump()).get<PixelStatistics>(), statistics);
  }
}

TEST(PixelStatistics, RefuseJsonThatContradictsItself) {
  const nlohmann::json good = statistics_of(patterned_pixels(3));
  const std::int64_t pixels = 3 * 5 * 7;
  const auto refused = [&](const auto& change) {
    nlohmann::json json = good;
    change(json, json["channels"][0]);
    expect_error([&] { json.get<PixelStatistics>(); }, {"pixel statistics"});
  };
  using Json = nlohmann::json;
  refused([](Json& json, Json&) { json["extra"] = 1; });
  refused([](Json& json, Json&) { json.erase("images"); });
  refused([](Json& json, Json&) { json["images"] = -1; });
  refused([](Json& json, Json&) { json["images"] = 0; });
  refused([](Json& json, Json&) { json["images"] = 1e300; });
  refused([](Json& json, Json&) { json["channels"] = "many"; });
  refused([](Json& json, Json&) { json["channels"] = Json::array(); });
  refused([](Json& json, Json& channel) { json["channels"] = Json(17, channel); });
  refused([](Json& json, Json&) { json = Json::array(); });
  refused([](Json&, Json& channel) { channel.erase("white"); });
  refused([](Json&, Json& channel) { channel["surprise"] = 0; });
  refused([](Json&, Json& channel) { channel["sum"] = 0.5; });
  refused([](Json&, Json& channel) { channel["sum"] = -1; });
  refused([&](Json&, Json& channel) { channel["sum"] = 255 * pixels + 1; });
  refused([&](Json&, Json& channel) { channel["sum_of_squares"] = 255 * 255 * pixels + 1; });
  refused([&](Json&, Json& channel) { channel["black"] = pixels + 1; });
  refused([&](Json&, Json& channel) { channel["black"] = channel["white"] = pixels; });
  refused([](Json&, Json& channel) { channel["white"] = -1; });
  refused([](Json&, Json& channel) { channel["pixels"] = std::numeric_limits<std::int64_t>::max(); });
}

TEST(BrightnessDifference, IsTheFurthestChannelsAsAShareOfTheRange) {
  const PixelStatistics a = of_plain_images({10, 100, 30}), b = of_plain_images({20, 49, 30});
  EXPECT_DOUBLE_EQ(brightness_difference(a, b), 51.0 / 255.0);
  EXPECT_DOUBLE_EQ(brightness_difference(b, a), 51.0 / 255.0) << "brighter or darker";
  EXPECT_EQ(brightness_difference(a, a), 0.0);
  EXPECT_EQ(brightness_difference(of_plain_images({0}), of_plain_images({255})), 1.0);
}

TEST(BrightnessDifference, NeedsImagesOfAsManyChannels) {
  const PixelStatistics grey = of_plain_images({10});
  expect_error([&] { brightness_difference(grey, of_plain_images({1, 2, 3})); }, {"channels"});
  expect_error([&] { brightness_difference(grey, {}); }, {"images"});
}

TEST(ChannelName, IsThatOfTheColour) {
  EXPECT_EQ(channel_name(0, 1), "grey");
  EXPECT_EQ(channel_name(1, 2), "alpha");
  EXPECT_EQ(channel_name(0, 3), "red");
  EXPECT_EQ(channel_name(2, 3), "blue");
  EXPECT_EQ(channel_name(3, 4), "alpha");
}

}  // namespace
}  // namespace iddpm
