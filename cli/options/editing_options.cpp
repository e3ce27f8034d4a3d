#include "cli/options/editing_options.h"

#include <CLI/CLI.hpp>

#include "cli/options/effect.h"
#include "cli/options/fitted_images.h"
#include "cli/options/values.h"
#include "iddpm/core/error.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/io/pixels.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

std::string checksum_of(const Tensor& pixels) {
  Sha256 hash;
  hash.add(pixels.contiguous());
  return hash.hex();
}

nlohmann::json settings_without_edit() {
  nlohmann::json settings;
  for (const char* key : {"from_image", "from_image_sha256", "strength", "mask", "mask_sha256", "resample", "jump",
                          "interpolate", "interpolate_sha256"}) {
    settings[key] = nullptr;
  }
  return settings;
}

std::string plain_name(const fs::path& path) {
  const fs::path name = path.has_filename() ? path.filename() : path.parent_path().filename();
  return name.stem().string();
}

void choose_images(ChosenEdit& chosen, const EditingOptions& options, const ModelSettings& settings) {
  const FittedImages images = fitted_images("--from-image", options.from_image, image_shape_of(settings.network));
  ImageEdit edit{.images = from_pixels(images.pixels)};
  if (!options.mask.empty()) {
    edit.mask = fitted_mask("--mask", options.mask, images, image_shape_of(settings.network));
    edit.strength = 1.0;
    edit.resampling.times = options.resample.value_or(edit.resampling.times);
    edit.resampling.jump = options.jump.value_or(edit.resampling.jump);
    chosen.settings.update({{"mask", options.mask.string()},
                            {"mask_sha256", checksum_of(edit.mask)},
                            {"resample", edit.resampling.times},
                            {"jump", edit.resampling.jump}});
  }
  edit.strength = options.strength.value_or(edit.strength);
  chosen.settings.update({{"from_image", recorded_names(images)},
                          {"from_image_sha256", checksum_of(images.pixels)},
                          {"strength", edit.strength}});
  chosen.folder_name = fmt::format("{}_{}", edit.mask.defined() ? "masked" : "from", plain_name(options.from_image[0]));
  chosen.edit = std::move(edit);
}

// A whole number is a seed, anything else an image file.
void choose_ends(ChosenEdit& chosen, const std::vector<std::string>& ends, const ModelSettings& settings) {
  std::vector<std::string> files;
  for (const std::string& end : ends) {
    if (!unsigned_number(end)) files.push_back(end);
  }
  Tensor images;
  if (!files.empty()) {
    const FittedImages fitted = fitted_images("--interpolate", files, image_shape_of(settings.network));
    require(fitted.files.size() == files.size(), "--interpolate: expected image files or seeds, got a folder");
    chosen.settings["interpolate_sha256"] = checksum_of(fitted.pixels);
    images = from_pixels(fitted.pixels);
  }
  chosen.settings["interpolate"] = ends;
  chosen.folder_name = "between";
  Interpolation interpolation;
  std::int64_t next_image = 0;
  for (const std::string& end : ends) {
    const std::optional<std::uint64_t> seed = unsigned_number(end);
    interpolation.ends.push_back(seed ? InterpolationEnd(*seed) : InterpolationEnd(images[next_image++]));
    chosen.folder_name += "_" + plain_name(end);
  }
  chosen.interpolation = std::move(interpolation);
}

}  // namespace

void add_editing_options(CLI::App& verb, EditingOptions& options) {
  constexpr const char* group = "Editing";
  verb.add_option("--from-image", options.from_image,
                  "Begin at this image with some noise instead of at pure noise: variations of it; a folder, or again "
                  "for several in turn")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(group);
  verb.add_option("--strength", options.strength,
                  "Share of the process that is undone from there, above 0 to 1: how far from the image (0.6; with "
                  "--mask 1)")
      ->check(CLI::Validator(
          [](const std::string& text) {
            const std::optional<double> value = decimal_number(text);
            const bool fits = value && *value > 0.0 && *value <= 1.0;
            return fits ? std::string() : fmt::format("expected a number above 0 and at most 1, got '{}'", text);
          },
          ""))
      ->group(group);
  verb.add_option("--mask", options.mask,
                  "Image of the same size: white parts of the image are drawn anew, black ones kept exactly")
      ->group(group);
  verb.add_option("--resample", options.resample,
                  "With --mask: how often each stretch of steps is walked, so that the parts fit together (4)")
      ->check(between(std::int64_t{1}, std::int64_t{1000}))
      ->group(group);
  verb.add_option("--jump", options.jump, "With --mask: steps of such a stretch (10)")
      ->check(between(std::int64_t{1}, std::int64_t{1'000'000}))
      ->group(group);
  verb.add_option("--interpolate", options.interpolate,
                  "An image file or a seed (a whole number); again for the other end: --count images between, by ddim")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(group);
}

void refuse_idle_editing(const CLI::App& verb, const EditingOptions& options) {
  if (!options.interpolate.empty()) {
    if (options.interpolate.size() < 2) {
      throw UsageError(
          fmt::format("--interpolate: expected it twice, for both ends, got '{}' alone", options.interpolate.front()));
    }
    refuse_idle(verb,
                {"--from-image", "--strength", "--mask", "--resample", "--jump", "--start", "--seed", "--by-class"},
                "with --interpolate");
    return;
  }
  if (options.from_image.empty()) {
    refuse_idle(verb, {"--strength", "--mask", "--resample", "--jump"}, "without --from-image");
    return;
  }
  refuse_idle(verb, {"--start"}, "with --from-image");
  if (options.mask.empty()) refuse_idle(verb, {"--resample", "--jump"}, "without --mask");
  if (options.resample == 1) refuse_idle(verb, {"--jump"}, "with --resample 1");
}

ChosenEdit chosen_edit(const EditingOptions& options, const ModelSettings& settings) {
  ChosenEdit chosen{.settings = settings_without_edit()};
  if (!options.from_image.empty()) choose_images(chosen, options, settings);
  if (!options.interpolate.empty()) choose_ends(chosen, options.interpolate, settings);
  return chosen;
}

std::int64_t default_count(const ChosenEdit& chosen) {
  if (chosen.interpolation) return 9;
  if (chosen.edit && chosen.edit->images.size(0) > 1) return chosen.edit->images.size(0);
  return 16;
}

std::string describe_edit(const ChosenEdit& chosen, const std::vector<std::int64_t>& timesteps) {
  if (!chosen.edit) return {};
  const std::string beginning = fmt::format("Begins at the image with the noise of t = {} (--strength {})",
                                            timesteps.back(), chosen.edit->strength);
  if (!chosen.edit->mask.defined()) return beginning;
  const double anew = chosen.edit->mask.to(at::kDouble).mean().item<double>();
  return fmt::format(
      "{}; {:.0f} % of the pixels are drawn anew, each stretch of {} steps {} times (--jump, --resample)", beginning,
      100.0 * anew, chosen.edit->resampling.jump, chosen.edit->resampling.times);
}

}  // namespace iddpm::cli
