#pragma once

#include <CLI/App.hpp>

#include "iddpm/model/checkpoint.h"

namespace iddpm::cli {

/// Which weights of a checkpoint: --ema RATE or --raw.
struct WeightOptions {
  std::optional<double> ema_rate;
  bool raw = false;
};

void add_weight_options(CLI::App& verb, WeightOptions& options);
WeightChoice weight_choice(const WeightOptions& options);
/// What the weights are called in results: "raw" or "ema 0.999".
std::string weights_name(const Checkpoint& checkpoint, const WeightChoice& choice);

}  // namespace iddpm::cli
