#include "cli/options/fitted_images.h"

#include "cli/terminal/command_line.h"
#include "iddpm/core/error.h"
#include "iddpm/core/memory_limit.h"
#include "iddpm/data/folder_listing.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

constexpr double background = 1.0;  // behind transparent pixels, as for data

std::string colour_of(std::int64_t channels) {
  switch (channels) {
    case 1:
      return "grey";
    case 2:
      return "grey with transparency";
    case 3:
      return "RGB";
    default:
      return "RGBA";
  }
}

std::vector<fs::path> files_of(const std::string& option, const std::vector<std::string>& paths) {
  std::vector<fs::path> files;
  for (const std::string& path : paths) {
    if (!is_folder(path)) {
      files.emplace_back(path);
      continue;
    }
    const ImageListing listing = list_images(path);
    require(!listing.images.empty(), "{}: the folder '{}' holds no images", option, path);
    for (const std::string& name : listing.images) files.push_back(fs::path(path) / name);
  }
  return files;
}

Image read(const std::string& option, const fs::path& path) {
  try {
    return read_image(path);
  } catch (const Error& error) {
    fail(error.kind(), "{}: {}", option, error.what());
  }
}

void say_what_was_fitted(const FittedImages& images, const ImageShape& shape) {
  std::int64_t other = 0;
  std::size_t first = 0;
  for (std::size_t i = images.sizes.size(); i-- > 0;) {
    if (images.sizes[i] == ImageHeader{.width = shape.width, .height = shape.height, .channels = shape.channels})
      continue;
    ++other;
    first = i;
  }
  if (other == 0) return;
  const ImageHeader& size = images.sizes[first];
  say(fmt::format("{} ({} x {}, {}){} fitted to the model's {} x {}, {}: resized, cropped in the centre, converted",
                  display_path(images.files[first]), size.width, size.height, colour_of(size.channels),
                  other == 1 ? " is" : fmt::format(" and {} more are", other - 1), shape.width, shape.height,
                  colour_of(shape.channels)));
}

}  // namespace

ImageShape image_shape_of(const UNetOptions& network) {
  return {.channels = network.image_channels, .height = network.image_height, .width = network.image_width};
}

FittedImages fitted_images(const std::string& option, const std::vector<std::string>& paths, const ImageShape& shape) {
  FittedImages images{.files = files_of(option, paths)};
  const auto count = static_cast<std::int64_t>(images.files.size());
  constexpr std::uint64_t bytes_per_value = 1 + sizeof(float);
  require_memory(static_cast<std::uint64_t>(count * shape.channels * shape.height * shape.width) * bytes_per_value,
                 fmt::format("{}: {} images", option, count));
  images.pixels = at::empty({count, shape.channels, shape.height, shape.width}, at::kByte);
  for (std::int64_t i = 0; i < count; ++i) {
    const Image image = read(option, images.files[static_cast<std::size_t>(i)]);
    images.sizes.push_back({.width = image.width, .height = image.height, .channels = image.channels});
    images.pixels[i].copy_(fit_image(image, shape, background));
  }
  say_what_was_fitted(images, shape);
  return images;
}

std::vector<std::string> recorded_names(const FittedImages& images) {
  constexpr std::size_t most = 16;
  std::vector<std::string> names;
  for (const fs::path& file : images.files) names.push_back(file.string());
  if (names.size() > most) names = {names.front(), "...", names.back()};
  return names;
}

Tensor fitted_mask(const std::string& option, const fs::path& path, const FittedImages& images,
                   const ImageShape& shape) {
  const Image mask = read(option, path);
  for (std::size_t i = 0; i < images.sizes.size(); ++i) {
    require(images.sizes[i].width == mask.width && images.sizes[i].height == mask.height,
            "{}: the mask '{}' is {} x {} pixels, but the image '{}' is {} x {}; expected the same size", option,
            path.string(), mask.width, mask.height, images.files[i].string(), images.sizes[i].width,
            images.sizes[i].height);
  }
  constexpr int rather_white = 128;
  const Tensor anew =
      fit_image(mask, {.channels = 1, .height = shape.height, .width = shape.width}, 0.0)[0] >= rather_white;
  require(anew.any().item<bool>(),
          "{}: the mask '{}' is black everywhere, which keeps every pixel; expected white where to draw anew", option,
          path.string());
  return anew;
}

}  // namespace iddpm::cli
