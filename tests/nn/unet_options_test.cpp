#include "iddpm/nn/unet_options.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "iddpm/nn/classifier_options.h"
#include "tests/nn/small_networks.h"

namespace iddpm {
namespace {

using Multipliers = std::vector<double>;

template <typename Change>
std::string error_with(Change change) {
  UNetOptions options = small_options();
  change(options);
  return error_of([&] { resolved(options); });
}

TEST(ChannelMultipliers, AreThePublishedOnesForThePublishedSizes) {
  EXPECT_EQ(default_channel_multipliers(32), Multipliers({1, 2, 2, 2}));
  EXPECT_EQ(default_channel_multipliers(64), Multipliers({1, 2, 3, 4}));
  EXPECT_EQ(default_channel_multipliers(128), Multipliers({1, 1, 2, 3, 4}));
  EXPECT_EQ(default_channel_multipliers(256), Multipliers({1, 1, 2, 2, 4, 4}));
  EXPECT_EQ(default_channel_multipliers(512), Multipliers({0.5, 1, 1, 2, 2, 4, 4}));
}

TEST(ChannelMultipliers, HalveOtherSizesOnlyWhileTheyStayWhole) {
  EXPECT_EQ(default_channel_multipliers(28), Multipliers({1, 2, 2}));
  EXPECT_EQ(default_channel_multipliers(8), Multipliers({1, 2}));
  EXPECT_EQ(default_channel_multipliers(31), Multipliers({1}));
  for (std::int64_t size = 1; size < 600; ++size) {
    UNetOptions options = small_options();
    options.image_height = options.image_width = size;
    options.channel_multipliers = {};
    options.attention_resolutions = {};
    options.channels = 64;
    EXPECT_EQ(size % stride(resolved(options)), 0) << size;
  }
}

TEST(UNetOptions, ChooseMultipliersForImagesThatAreNotSquare) {
  UNetOptions options = small_options();
  options.image_height = 24;
  options.image_width = 40;
  options.channel_multipliers = {};
  options.attention_resolutions = {12};
  EXPECT_EQ(resolved(options).channel_multipliers, Multipliers({1, 2, 2}));
  EXPECT_EQ(stride(options), 4);
}

TEST(UNetOptions, SayWhichOptionIsOutOfRange) {
  EXPECT_EQ(error_with([](UNetOptions& options) { options.residual_blocks = 0; }),
            "network options, 'residual_blocks': expected an integer from 1 to 64, got 0");
  EXPECT_EQ(error_with([](UNetOptions& options) { options.image_channels = -1; }),
            "network options, 'image_channels': expected an integer from 1 to 1024, got -1");
  EXPECT_EQ(error_with([](UNetOptions& options) { options.dropout = 1.0; }),
            "Network option dropout is 1; expected a probability of at least 0 and below 1.");
  EXPECT_EQ(error_with([](UNetOptions& options) {
              options.classes = 2;
              options.class_dropout = 1.0;
            }),
            "Network option class_dropout is 1; expected a probability of at least 0 and below 1.");
  EXPECT_EQ(error_with([](UNetOptions& options) { options.class_dropout = 0.1; }),
            "Network option class_dropout is 0.1, but the network has no classes to leave out; expected 0.");
  EXPECT_EQ(
      error_with([](UNetOptions& options) {
        options.super_resolution = true;
        options.low_resolution_noise_varies = true;
      }),
      "Network option low_resolution_noise_varies is true, but low_resolution_noise, the most, is 0; expected more "
      "than 0.");
  EXPECT_EQ(error_with([](UNetOptions& options) { options.dropout = NAN; }),
            "network options, 'dropout': expected a number from 0 to 1, got nan");
  EXPECT_EQ(
      error_with([](UNetOptions& options) {
        options.image_width = 10;
        options.channel_multipliers = {1, 2, 2};
      }),
      "Images of 8 x 10 pixels (height x width) don't fit the network: both must be divisible by its stride of 4, "
      "which 3 channel_multipliers make.");
  EXPECT_EQ(
      error_with([](UNetOptions& options) { options.channels = 48; }),
      "Network option channel_multipliers has 1 at level 0, which makes 48 of 48 channels; expected a multiple of "
      "32.");
  EXPECT_EQ(error_with([](UNetOptions& options) { options.attention_resolutions = {16}; }),
            "Network option attention_resolutions has 16; expected resolutions of the network's levels: 8, 4.");
  EXPECT_EQ(error_with([](UNetOptions& options) {
              options.attention_resolutions = {4, 4};
            }),
            "Network option attention_resolutions has 4 twice; expected each once.");
  EXPECT_EQ(error_with([](UNetOptions& options) { options.heads = 3; }),
            "Network option heads is 3; expected a divisor of the 64 channels where there is attention.");
  EXPECT_EQ(error_with([](UNetOptions& options) { options.heads_upsample = 5; }),
            "Network option heads_upsample is 5; expected a divisor of the 64 channels where there is attention.");
  EXPECT_EQ(error_with([](UNetOptions& options) { options.head_channels = 24; }),
            "Network option head_channels is 24; expected a divisor of the 64 channels where there is attention.");
}

TEST(UNetOptions, BoundEveryNumberBeforeAnythingIsAllocated) {
  const auto refused = [](auto change) { return error_with(change).find("expected") != std::string::npos; };
  constexpr std::int64_t huge = std::int64_t{1} << 62;
  EXPECT_TRUE(refused([](UNetOptions& options) { options.image_height = huge; }));
  EXPECT_TRUE(refused([](UNetOptions& options) { options.channels = huge; }));
  EXPECT_TRUE(refused([](UNetOptions& options) { options.channels = -32; }));
  EXPECT_TRUE(refused([](UNetOptions& options) { options.residual_blocks = huge; }));
  EXPECT_TRUE(refused([](UNetOptions& options) { options.classes = huge; }));
  EXPECT_TRUE(refused([](UNetOptions& options) { options.heads = huge; }));
  EXPECT_TRUE(refused([](UNetOptions& options) { options.heads = 0; }));
  EXPECT_TRUE(refused([](UNetOptions& options) { options.channel_multipliers = Multipliers(60, 1.0); }));
  EXPECT_TRUE(refused([](UNetOptions& options) { options.channel_multipliers = {1, 1e300}; }));
  EXPECT_TRUE(refused([](UNetOptions& options) { options.channel_multipliers = {1, NAN}; }));
  EXPECT_TRUE(refused([](UNetOptions& options) { options.channel_multipliers = {1, -1}; }));
  EXPECT_TRUE(refused([](UNetOptions& options) { options.channel_multipliers = {1, 0.001}; }));
  EXPECT_TRUE(refused([](UNetOptions& options) { options.attention_resolutions = {0}; }));

  UNetOptions enormous = small_options();
  enormous.channels = 8192;
  enormous.channel_multipliers = {1, 1};
  enormous.residual_blocks = 64;
  EXPECT_NE(error_of([&] { UNet network(enormous); }).find("parameters; expected at most 8589934592."),
            std::string::npos);
}

TEST(UNetOptions, SurviveJson) {
  UNetOptions options = small_options();
  options.image_width = 16;
  options.qkv_order = kernels::QkvOrder::qkv_first;
  options.channel_multipliers = {0.5, 1, 3};
  options.dropout = 0.1;
  options.classes = 1000;
  options.checkpointing = true;
  options.predict_variance = false;
  const nlohmann::json json = nlohmann::json::parse(nlohmann::json(options).dump());
  EXPECT_EQ(json.get<UNetOptions>(), options);

  const ClassifierOptions classifier = {.network = options, .classes = 7, .pool = ClassifierPool::spatial_v2};
  EXPECT_EQ(nlohmann::json(classifier).get<ClassifierOptions>(), classifier);
}

TEST(UNetOptions, RefuseJsonThatIsNotExactlyTheirs) {
  const auto error = [](auto change) {
    nlohmann::json json = small_options();
    change(json);
    return error_of([&] { json.get<UNetOptions>(); });
  };
  EXPECT_EQ(error([](nlohmann::json& json) { json["chanels"] = 3; }),
            "network options: unknown field \"chanels\". Did you mean 'channels'?");
  EXPECT_EQ(error([](nlohmann::json& json) { json.erase("heads"); }), "network options: the field 'heads' is missing");
  EXPECT_EQ(error([](nlohmann::json& json) { json["heads"] = "4"; }),
            "network options, 'heads': expected an integer from 1 to 8192, got \"4\"");
  EXPECT_EQ(error([](nlohmann::json& json) { json["heads"] = 4.5; }),
            "network options, 'heads': expected an integer from 1 to 8192, got 4.5");
  EXPECT_EQ(error([](nlohmann::json& json) { json["heads"] = ~std::uint64_t{0}; }),
            "network options, 'heads': expected an integer from 1 to 8192, got 18446744073709551615");
  EXPECT_EQ(error([](nlohmann::json& json) { json["scale_shift_norm"] = 1; }),
            "network options, 'scale_shift_norm': expected true or false, got 1");
  EXPECT_EQ(error([](nlohmann::json& json) {
              json["channel_multipliers"] = {1, "x"};
            }),
            "network options, 'channel_multipliers': expected at most 64 numbers, got [1,\"x\"]");
  EXPECT_EQ(
      error([](nlohmann::json& json) { json["attention_resolutions"] = std::vector<int>(100000, 1); }),
      "network options, 'attention_resolutions': expected at most 64 integers from 1 to 16384, got an array of 100000");
  EXPECT_EQ(error([](nlohmann::json& json) { json["qkv_order"] = "new"; }),
            "network options, 'qkv_order': expected one of heads_first, qkv_first, got \"new\"");
  EXPECT_EQ(error([](nlohmann::json& json) { json = nlohmann::json::array(); }),
            "network options: expected a JSON object, got array");
  EXPECT_EQ(error([](nlohmann::json& json) { json = nullptr; }), "network options: expected a JSON object, got null");
}

}  // namespace
}  // namespace iddpm
