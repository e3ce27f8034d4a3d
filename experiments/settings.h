#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "iddpm/core/tensor.h"
#include "iddpm/data/dataset.h"
#include "iddpm/training/training_options.h"

namespace iddpm::experiments {

/// How much is spent on a finding. The defaults are for two processor cores and minutes; `full_scale` is the paper's.
struct Scale {
  std::int64_t diffusion_steps = 1000;
  std::int64_t channels = 32;  ///< of the network's first level
  std::int64_t residual_blocks = 1;
  std::vector<double> channel_multipliers = {1, 2, 2};
  std::vector<std::int64_t> attention_resolutions = {};  ///< the middle always has it
  std::int64_t training_steps = 1500;
  std::int64_t batch = 32;
  double learning_rate = 5e-4;
  double ema_rate = 0.995;
  std::int64_t checkpoints = 5;          ///< per run, evenly spaced
  std::int64_t samples = 300;            ///< drawn for each figure of quality
  std::int64_t step_samples = 150;       ///< for each number of steps, each checkpoint of predictions
  std::int64_t most_evaluations = 50;    ///< of the network that samplers are compared at
  std::int64_t reference_images = 5000;  ///< that they are compared with
  std::int64_t sampling_steps = 50;      ///< where a finding doesn't vary them
  std::int64_t likelihood_images = 24;
  std::int64_t feature_steps = 1500;  ///< training of the classifier that samples are judged by
  std::int64_t noise_batches = 64;    ///< of 16 gradients, for the noise scale
};

/// The paper's CIFAR-10 scale: T = 4000, 128 channels, 500,000 steps, 50,000 samples.
Scale full_scale();

/// How the GAN is trained that diffusion models are compared with.
struct GanPlan {
  std::vector<double> learning_rates = {2e-4};  ///< more than one: each is tried first, with a seed of its own
  double average_rate = 0.995;                  ///< of the moving average of the generator's weights
};

/// What quality-per-minute compares.
struct QualityPlan {
  double budget = 600;  ///< processor seconds of each training, all threads and the reading of the data included
  std::int64_t seeds = 3;
  std::int64_t samples = 5000;        ///< of each trained model
  std::int64_t curve_samples = 1000;  ///< of each model in training
  std::string preset = "fashion-mnist";
  std::vector<std::string> arms = {};  ///< beside the preset as it is: "NAME: OPTIONS", see training_arm.h
};

struct Settings {
  std::filesystem::path data;        ///< images to train on
  DatasetOptions data_options = {};  ///< how to read them
  at::Device device = at::kCPU;
  Precision precision = Precision::float32;
  Scale scale;
  std::uint64_t seed = 0;
  std::filesystem::path work;                ///< models, samples and measurements: what is there is not done again
  std::filesystem::path out = "reproduced";  ///< figures and numbers, a folder per data set
  std::filesystem::path page;                ///< the table of findings (default: OUT/results.md)
  std::filesystem::path model;               ///< to compare samplers on; empty: one trained for it
  std::filesystem::path features;            ///< a feature network to judge by; empty: a classifier trained on the data
  GanPlan gan;
  QualityPlan quality;
};

void to_json(nlohmann::json& json, const Scale& scale);

}  // namespace iddpm::experiments
