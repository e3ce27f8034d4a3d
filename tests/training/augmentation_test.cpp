#include "iddpm/training/augmentation.h"

#include "iddpm/nn/unet.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

std::vector<RandomStream> movement_streams(std::int64_t first, std::int64_t count) {
  std::vector<RandomStream> streams;
  for (std::int64_t i = first; i < first + count; ++i) {
    streams.emplace_back(7, StreamPurpose::movement, static_cast<std::uint64_t>(i));
  }
  return streams;
}

Tensor noise_images(std::int64_t count) {
  auto streams = movement_streams(1000, count);
  return normal_per_image(streams, {3, 8, 12});
}

// [N, 1, 48, 64]: a spot on black, right of the middle by `offset` pixels.
Tensor spots(std::int64_t count, double offset) {
  const Tensor y = at::arange(48, at::kFloat).view({48, 1}) - 23.5;
  const Tensor x = at::arange(64, at::kFloat).view({1, 64}) - 31.5 - offset;
  return at::exp(-(x * x + y * y) / 8.0).expand({count, 1, 48, 64}).contiguous();
}

// Places of the spots, in pixels from the middle, x then y, [N, 2], where they are within 8 pixels of those expected:
// elsewhere an edge may show a second one.
Tensor places_near(const Tensor& expected, const Tensor& images) {
  const Tensor y = at::arange(48, at::kFloat).view({48, 1}) - 23.5;
  const Tensor x = at::arange(64, at::kFloat).view({1, 64}) - 31.5;
  const Tensor to_x = x - expected.select(1, 0).view({-1, 1, 1, 1}),
               to_y = y - expected.select(1, 1).view({-1, 1, 1, 1});
  const Tensor near = images * (to_x * to_x + to_y * to_y < 64);
  const Tensor weight = near / near.sum({2, 3}, /*keepdim=*/true);
  return at::cat({(weight * x).sum({2, 3}), (weight * y).sum({2, 3})}, 1);
}

}  // namespace

TEST(Augmentation, MirrorsHalfOfTheImagesAndLeavesTheirPixelsAlone) {
  const Tensor images = noise_images(64);
  const AugmentedImages result = augmented(images, 0.0, movement_streams(0, 64));
  std::int64_t mirrored = 0;
  for (std::int64_t i = 0; i < 64; ++i) {
    const bool is_mirrored = result.labels[i][0].item<float>() == 1.0f;
    mirrored += is_mirrored ? 1 : 0;
    EXPECT_TRUE(at::equal(result.images[i], is_mirrored ? images[i].flip(2) : images[i])) << i;
  }
  EXPECT_GT(mirrored, 16);
  EXPECT_LT(mirrored, 48);
  EXPECT_EQ(result.labels.slice(1, 1).abs().max().item<float>(), 0.0f);
}

TEST(Augmentation, TheLabelsSayWhereThingsWent) {
  constexpr std::int64_t count = 40;
  constexpr double offset = 9;
  const AugmentedImages result = augmented(spots(count, offset), 1.0, movement_streams(0, count));
  const Tensor labels = result.labels;
  const Tensor side = at::where(labels.select(1, 0) > 0.5, at::full({count}, -offset), at::full({count}, offset));
  const Tensor reach = side * at::exp2(labels.select(1, 1));
  const Tensor x = 64 * labels.select(1, 4) + reach * (labels.select(1, 2) + 1);
  const Tensor y = 48 * labels.select(1, 5) + reach * labels.select(1, 3);
  const Tensor inside = (x.abs() < 22) & (y.abs() < 14);  // no part of the spot reflected at an edge
  EXPECT_GT(inside.sum().item<std::int64_t>(), count / 2);
  const Tensor expected = at::stack({x, y}, 1);
  const Tensor errors = (places_near(expected, result.images) - expected).abs();
  EXPECT_LT(errors.masked_select(inside.unsqueeze(1)).max().item<float>(), 0.3f);
  EXPECT_GT(y.abs().max().item<float>(), 3.0f) << "otherwise nothing was turned or shifted";
}

TEST(Augmentation, BelongsToTheExampleWhateverItsBatch) {
  const Tensor images = noise_images(6);
  const AugmentedImages together = augmented(images, 0.7, movement_streams(0, 6));
  const AugmentedImages rest = augmented(images.slice(0, 4), 0.7, movement_streams(4, 2));
  EXPECT_TRUE(at::equal(together.images.slice(0, 4), rest.images));
  EXPECT_TRUE(at::equal(together.labels.slice(0, 4), rest.labels));
}

TEST(Augmentation, TheNetworkIsToldAndZerosMeanNone) {
  const at::NoGradGuard no_grad;
  ModelSettings model = tiny_model();
  model.network.augmentation_condition = true;
  TrainingOptions options = tiny_training();
  options.augmentation = 0.5;
  Trainer trainer(model, options);
  {
    const at::AutoGradMode with_gradient(true);
    train_steps(trainer, 3);
  }
  const UNet network = trainer.network();
  const Tensor x = at::ones({1, 1, 8, 8}), t = at::tensor({2}, at::kLong), y = at::tensor({1}, at::kLong);
  const Tensor plain = network(x, t, {.y = y});
  const Tensor zeros = network(x, t, {.y = y, .augmentation = at::zeros({1, augmentation_labels})});
  EXPECT_LT((plain - zeros).abs().max().item<float>(), 1e-5f);
  const Tensor told = network(x, t, {.y = y, .augmentation = at::ones({1, augmentation_labels})});
  EXPECT_GT((plain - told).abs().max().item<float>(), 1e-4f);
}

TEST(Augmentation, IsRefusedWhereTheNetworkIsNotTold) {
  TrainingOptions options = tiny_training();
  options.augmentation = 0.5;
  EXPECT_TRUE(contains(error_of([&] { Trainer(tiny_model(), options); }), "--augment: the network isn't told"));
  Trainer trainer(tiny_model(), tiny_training());
  EXPECT_TRUE(contains(error_of([&] { trainer.change_options(options); }), "--augment: the network isn't told"));
  ModelSettings model = tiny_model();
  model.network.augmentation_condition = true;
  options.random_flip = true;
  EXPECT_TRUE(contains(error_of([&] { Trainer(model, options); }), "without --flip"));
  const UNet network(tiny_model().network);
  EXPECT_TRUE(contains(error_of([&] {
                         network(at::ones({1, 1, 8, 8}), at::tensor({2}, at::kLong),
                                 {.y = at::tensor({1}, at::kLong), .augmentation = at::zeros({1, 6})});
                       }),
                       "The network's augmentation has shape"));
}

}  // namespace iddpm
