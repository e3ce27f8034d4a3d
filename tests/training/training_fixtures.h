#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "iddpm/core/error.h"
#include "iddpm/core/random_stream.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/training/presets.h"
#include "iddpm/training/trainer.h"
#include "tests/expect_error.h"
#include "tests/temporary_folder.h"

namespace iddpm {

/// A model small enough to train in milliseconds: 8 x 8 grey images, three classes.
inline ModelSettings tiny_model() {
  return {.network = {.image_height = 8,
                      .image_width = 8,
                      .image_channels = 1,
                      .channels = 32,
                      .residual_blocks = 1,
                      .channel_multipliers = {1, 1},
                      .attention_resolutions = {4},
                      .heads = 2,
                      .classes = 3,
                      .predict_variance = true},
          .diffusion = {.schedule = "cosine", .steps = 4},
          .class_names = {"circle", "Square", "7"}};
}

inline TrainingOptions tiny_training() {
  return {.seed = 5, .batch = 6, .learning_rate = 1e-3, .warmup_steps = 3, .ema_rates = {0.9}};
}

/// The batch that follows for a trainer, as a data set of endless different images would give it.
inline Batch next_batch(const Trainer& trainer) {
  const UNetOptions& network = trainer.settings().network;
  const std::int64_t images = trainer.options().batch;
  Batch batch;
  batch.first_example = trainer.examples_seen();
  std::vector<RandomStream> streams;
  batch.y = at::empty({images}, at::kLong);
  for (std::int64_t i = 0; i < images; ++i) {
    const auto example = static_cast<std::uint64_t>(batch.first_example + i);
    streams.emplace_back(99, StreamPurpose::augmentation, example);
    batch.y[i] = static_cast<std::int64_t>(example % 3);
  }
  batch.x_0 = normal_per_image(streams, {network.image_channels, network.image_height, network.image_width})
                  .mul_(0.5)
                  .clamp_(-1, 1);
  if (network.classes == 0) batch.y = Tensor();
  return batch;
}

inline void train_steps(Trainer& trainer, int steps) {
  for (int i = 0; i < steps; ++i) trainer.step(next_batch(trainer));
}

}  // namespace iddpm
