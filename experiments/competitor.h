#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "experiments/judges.h"
#include "experiments/training_arm.h"
#include "experiments/workbench.h"

namespace iddpm::experiments {

/// What one seed of a competitor came to.
struct SeedResult {
  double seconds = 0;  ///< of processor time that its training had
  std::int64_t steps = 0;
  nlohmann::json tuning = {};                ///< Judges::judge of the trained model's samples
  nlohmann::json reporting = {};             ///< the same by the other judge
  std::vector<double> curve_seconds = {};    ///< of processor time at each mark ...
  std::vector<double> curve_distances = {};  ///< ... and the extrapolated distance by the reporting judge
  std::optional<double> bits = {};           ///< bits per dimension; a GAN has none
};

/// One of the models that are compared at equal processor time.
struct Competitor {
  std::string name;
  std::string options;                 ///< how it differs from the preset, for people
  std::vector<SeedResult> seeds = {};  ///< empty if it diverged
  nlohmann::json cost = {};            ///< of sampling: "evaluations" and "milliseconds", for an image
  Tensor picture = {};                 ///< the first samples of the first seed, uint8 [N, C, H, W]
  std::string diverged = {};           ///< why there is nothing
};

/// Images that the pictures show of each competitor.
inline constexpr std::int64_t pictured_samples = 12;

/// Processor seconds at which models in training are looked at: evenly spaced, the budget last.
std::vector<double> marks_of(const Settings& settings);

/// Trains the GAN with each seed and measures it.
Competitor measured_dcgan(Workbench& bench, Judges& judges, double learning_rate);
/// The same of an arm.
Competitor measured_arm(Workbench& bench, Judges& judges, const TrainingArm& arm);

}  // namespace iddpm::experiments
