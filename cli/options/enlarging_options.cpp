#include "cli/options/enlarging_options.h"

#include <CLI/CLI.hpp>

#include "cli/options/fitted_images.h"
#include "cli/options/values.h"
#include "iddpm/core/error.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/io/pixels.h"
#include "iddpm/model/low_resolution.h"

namespace iddpm::cli {

namespace {

double chosen_noise(const EnlargingOptions& options, const UNetOptions& network) {
  try {
    return low_resolution_noise(network, options.noise);
  } catch (const Error& error) {
    fail(error.kind(), "--low-resolution-noise: {}", error.what());
  }
}

}  // namespace

void add_enlarging_options(CLI::App& verb, EnlargingOptions& options) {
  constexpr const char* group = "Enlarging";
  verb.add_option("--low-resolution", options.low_resolution,
                  "Images for a model of super-resolution to enlarge: a file or folder; again for more")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(group);
  verb.add_option("--low-resolution-noise", options.noise,
                  "Noise on them, for a model that was trained with any up to its most: standard deviation (0; with "
                  "--then 0.1)")
      ->check(between(0.0, 2.0))
      ->group(group);
  verb.add_option("--then", options.then,
                  "Model of super-resolution that enlarges what MODEL draws (kept in a folder beside, named _small)")
      ->group(group);
}

ChosenLowResolution chosen_low_resolution(const EnlargingOptions& options, const ModelSettings& settings,
                                          nlohmann::json& record) {
  record["low_resolution"] = record["low_resolution_sha256"] = nullptr;
  if (!settings.network.super_resolution) {
    require(options.low_resolution.empty(), "--low-resolution {}: this model doesn't enlarge images",
            options.low_resolution.empty() ? "" : options.low_resolution.front());
    require(!options.noise, "--low-resolution-noise {}: this model doesn't enlarge images",
            options.noise.value_or(0.0));
    return {};
  }
  const std::vector<std::int64_t> shape = low_resolution_shape(settings.network);
  require(
      !options.low_resolution.empty(),
      "this model enlarges images of {} x {} pixels: expected some to enlarge (--low-resolution FOLDER), or another "
      "model to draw them (iddpm sample OTHER --then THIS)",
      shape[2], shape[1]);
  const FittedImages images = fitted_images("--low-resolution", options.low_resolution,
                                            {.channels = shape[0], .height = shape[1], .width = shape[2]});
  Sha256 hash;
  hash.add(images.pixels);
  record["low_resolution"] = recorded_names(images);
  record["low_resolution_sha256"] = hash.hex();
  ChosenLowResolution chosen{.images = from_pixels(images.pixels)};
  if (settings.network.low_resolution_noise_varies || options.noise) {
    chosen.noise = chosen_noise(options, settings.network);
    record["low_resolution_noise"] = *chosen.noise;
  }
  return chosen;
}

void check_cascade(const ModelSettings& base, const ModelSettings& then, const EnlargingOptions& options) {
  require(then.network.super_resolution, "--then: expected a model of super-resolution, got one that draws by itself");
  const std::vector<std::int64_t> drawn = {base.network.image_channels, base.network.image_height,
                                           base.network.image_width};
  const std::vector<std::int64_t> enlarged = low_resolution_shape(then.network);
  require(drawn == enlarged, "--then: the first model draws images of shape {}, but this one enlarges {}",
          format_shape(drawn), format_shape(enlarged));
  require(then.network.classes == 0 ||
              (then.network.classes == base.network.classes && then.class_names == base.class_names),
          "--then: expected a model of the first one's {} classes, got one of {} classes", base.network.classes,
          then.network.classes);
  if (options.noise) (void)chosen_noise(options, then.network);
}

}  // namespace iddpm::cli
