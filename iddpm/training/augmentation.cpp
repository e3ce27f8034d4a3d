#include "iddpm/training/augmentation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "iddpm/core/error.h"
#include "iddpm/nn/unet_options.h"

namespace iddpm {
namespace {

struct Movement {
  bool mirrored = false;
  bool moved = false;
  double log2_scale = 0;
  double angle = 0;
  double shift_x = 0;  // shares of width and height
  double shift_y = 0;
};

Movement draw_movement(RandomStream stream, double probability) {
  constexpr double scale_deviation = 0.2, largest_angle = std::numbers::pi / 12;
  constexpr double shift_deviation = 0.08, largest_shift = 0.25;
  std::array<float, 3> normal{};
  stream.fill_normal(normal);
  const auto chosen = [&] { return stream.uniform() < probability; };
  const auto shift = [&](float value) { return std::clamp(shift_deviation * value, -largest_shift, largest_shift); };
  Movement movement = {.mirrored = stream.uniform() < 0.5};
  const double turn = 2 * stream.uniform() - 1;
  const bool scaled = chosen(), turned = chosen(), shifted = chosen();
  if (scaled) movement.log2_scale = scale_deviation * normal[0];
  if (turned) movement.angle = largest_angle * turn;
  if (shifted) movement.shift_x = shift(normal[1]), movement.shift_y = shift(normal[2]);
  movement.moved = scaled || turned || shifted;
  return movement;
}

// Where the pixels of the moved image come from: [2, 3], in coordinates from -1 to 1 over each side.
std::array<double, 6> origin_of_pixels(const Movement& movement, double height, double width) {
  const double scale = std::exp2(-movement.log2_scale);
  const double c = scale * std::cos(movement.angle), s = scale * std::sin(movement.angle);
  const double x = -2 * movement.shift_x, y = -2 * movement.shift_y;
  return {
      c, s * height / width, c * x + s * height / width * y, -s * width / height, c, -s * width / height * x + c * y};
}

}  // namespace

AugmentedImages augmented(const Tensor& images, double probability, std::vector<RandomStream> streams) {
  const auto count = static_cast<std::int64_t>(streams.size());
  require(images.dim() == 4 && images.size(0) == count, "augmented: expected {} images, got shape {}", count,
          format_shape(images.sizes()));
  const Tensor labels = at::zeros({count, augmentation_labels}, at::kFloat);
  const Tensor origins = at::empty({count, 2, 3}, at::kFloat);
  const Tensor chosen = at::empty({2, count, 1, 1, 1}, at::kBool);  // mirrored; moved
  const auto height = static_cast<double>(images.size(2)), width = static_cast<double>(images.size(3));
  for (std::int64_t i = 0; i < count; ++i) {
    const Movement movement = draw_movement(streams[static_cast<std::size_t>(i)], probability);
    const std::array<double, augmentation_labels> label = {
        movement.mirrored ? 1.0 : 0.0, movement.log2_scale, std::cos(movement.angle) - 1,
        std::sin(movement.angle),      movement.shift_x,    movement.shift_y};
    const std::array<double, 6> origin = origin_of_pixels(movement, height, width);
    std::copy(label.begin(), label.end(), labels.data_ptr<float>() + i * augmentation_labels);
    std::copy(origin.begin(), origin.end(), origins.data_ptr<float>() + i * 6);
    chosen.data_ptr<bool>()[i] = movement.mirrored;
    chosen.data_ptr<bool>()[count + i] = movement.moved;
  }
  const at::Device device = images.device();
  const Tensor on_device = chosen.to(device, /*non_blocking=*/true);
  const Tensor mirrored = at::where(on_device[0], images.flip(3), images);
  const Tensor grid = at::affine_grid_generator(origins.to(images.options(), /*non_blocking=*/true), images.sizes(),
                                                /*align_corners=*/false);
  constexpr std::int64_t bilinear = 0, reflection = 2;
  const Tensor moved = at::grid_sampler(mirrored, grid, bilinear, reflection, /*align_corners=*/false);
  return {.images = at::where(on_device[1], moved, mirrored), .labels = labels.to(device, /*non_blocking=*/true)};
}

}  // namespace iddpm
