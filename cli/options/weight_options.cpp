#include "cli/options/weight_options.h"

#include <CLI/CLI.hpp>

#include "cli/options/values.h"
#include "iddpm/model/model.h"

namespace iddpm::cli {

void add_weight_options(CLI::App& verb, WeightOptions& options) {
  auto* ema =
      verb.add_option("--ema", options.ema_rate, "Use the average of this rate (default: the checkpoint's first)")
          ->check(between(0.0, 1.0));
  verb.add_flag("--raw", options.raw, "Use the weights as trained, not averaged")->excludes(ema);
}

WeightChoice weight_choice(const WeightOptions& options) { return {.ema_rate = options.ema_rate, .raw = options.raw}; }

std::string weights_name(const Checkpoint& checkpoint, const WeightChoice& choice) {
  return iddpm::weights_name(checkpoint.chosen_rate(choice));
}

}  // namespace iddpm::cli
