#include "iddpm/model/edit.h"

#include "iddpm/core/error.h"
#include "iddpm/samplers/registry.h"

namespace iddpm {
namespace {

void check_image_shape(const Tensor& images, std::int64_t extents, const UNetOptions& network, const char* what) {
  const std::vector<std::int64_t> expected = {network.image_channels, network.image_height, network.image_width};
  require(images.defined() && images.dim() == extents && images.scalar_type() == at::kFloat &&
              images.sizes().slice(static_cast<std::size_t>(extents) - 3) == at::IntArrayRef(expected),
          "{}: expected float32 images {}, got {}", what, format_shape(expected),
          images.defined() ? format_shape(images.sizes()) : "none");
}

void check_mask(const ImageEdit& edit, const UNetOptions& network, const std::string& sampler,
                const SamplerOptions& options) {
  require(edit.mask.scalar_type() == at::kBool && edit.mask.dim() == 2 && edit.mask.size(0) == network.image_height &&
              edit.mask.size(1) == network.image_width,
          "inpainting: expected a bool mask [{}, {}], got {}", network.image_height, network.image_width,
          format_shape(edit.mask.sizes()));
  require(edit.mask.any().item<bool>(), "inpainting: the mask keeps every pixel, so that there is nothing to draw");
  (void)resampled_way(1, edit.resampling);  // refuses what can't be
  std::vector<std::string> able;
  for (const SamplerEntry& entry : samplers()) {
    if (!entry.multistep) able.push_back(entry.name);
  }
  require(!find_sampler(sampler).multistep,
          "inpainting: the sampler {} looks at earlier steps, which going back to noise makes worthless; expected one "
          "of {}",
          sampler, fmt::join(able, ", "));
  require(options.churn.value_or(0.0) == 0.0,
          "inpainting: adds noise by itself, at the steps it goes back over; expected the sampler {} without churn",
          sampler);
}

}  // namespace

void check_edit(const ImageEdit& edit, const ModelSettings& settings, const std::string& sampler,
                const SamplerOptions& options) {
  check_image_shape(edit.images, 4, settings.network, "drawing from images");
  require(edit.images.size(0) >= 1, "drawing from images: expected at least one, got none");
  require(edit.strength > 0.0 && edit.strength <= 1.0,
          "drawing from images: expected a strength above 0 and at most 1, got {}", edit.strength);
  if (edit.mask.defined()) check_mask(edit, settings.network, sampler, options);
}

Tensor images_in_turn(const Tensor& images, std::uint64_t first, std::int64_t size) {
  const auto count = static_cast<std::uint64_t>(images.size(0));
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < size; ++i) {
    rows.push_back(static_cast<std::int64_t>((first + static_cast<std::uint64_t>(i)) % count));
  }
  return images.index_select(0, at::tensor(rows, at::kLong).to(images.device()));
}

void check_interpolation(const Interpolation& interpolation, const ModelSettings& settings,
                         const std::vector<std::int64_t>& classes, const std::string& sampler,
                         const SamplerOptions& options) {
  require(interpolation.ends.size() >= 2, "interpolation: expected at least 2 ends, got {}", interpolation.ends.size());
  for (const InterpolationEnd& end : interpolation.ends) {
    if (const Tensor* image = std::get_if<Tensor>(&end))
      check_image_shape(*image, 3, settings.network, "interpolation");
  }
  require(sampler == "ddim", "interpolation: goes by the sampler ddim, whose path leads back to a latent, not {}",
          sampler);
  require(options.eta.value_or(0.0) == 0.0, "interpolation: expected ddim without noise (eta 0), got eta {}",
          options.eta.value_or(0.0));
  require(!settings.network.super_resolution, ErrorKind::unsupported,
          "interpolation: expected a model that draws by itself, got one that enlarges images");
  require(settings.network.classes == 0 || classes.size() == 1,
          "interpolation: expected one class for all images of a model with classes, got {}", classes.size());
}

}  // namespace iddpm
