#pragma once

#include <optional>
#include <string>
#include <variant>

#include "iddpm/diffusion/noise_schedule.h"
#include "iddpm/model/model.h"
#include "iddpm/model/trained_classifier.h"
#include "iddpm/samplers/guidance.h"

namespace iddpm {

/// Images led away from what another network predicts: classifier-free guidance (Ho & Salimans 2022, arXiv 2207.12598)
/// away from the model itself without the class, autoguidance (Karras et al. 2024, arXiv 2406.02507) away from a weaker
/// model.
struct ModelGuidance {
  GuidanceOptions options = {};
  std::optional<Model> guide = {};  ///< unset: the model itself without the class
};

/// Images led towards their class by the gradient of a classifier of noisy images (Dhariwal & Nichol 2021, arXiv
/// 2105.05233): samplers that draw from the mean by algorithm 1, all others by algorithm 2.
struct ClassifierGuidance {
  TrainedClassifier classifier;
  double scale = 1.0;
};

/// How a request's images are led: not at all, or by one of these.
using Guidance = std::variant<std::monostate, ModelGuidance, ClassifierGuidance>;

/// Whether it changes anything: a scale of 1 doesn't, of a classifier's gradient 0.
bool is_effective(const Guidance& guidance);

/// Throws Error, naming what was found and expected, if a model can't be guided so over the timesteps that a shortened
/// `schedule` has left: without classes or class dropout where there is no guide; by a guide of another image shape,
/// other classes, another diffusion process or the same weights; at noise levels that none of the steps has; by a
/// classifier of other images, classes or another process.
void check_guidance(const Guidance& guidance, const Model& model, const NoiseSchedule& schedule);

/// "guidance 2", "guidance 1.5 by step_00001000.safetensors at noise levels 0.3 to 5", "classifier guidance 1 by
/// digits.safetensors"; empty without.
std::string describe(const Guidance& guidance);

}  // namespace iddpm
