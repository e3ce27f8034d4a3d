#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "iddpm/nn/classifier_options.h"
#include "iddpm/nn/unet_options.h"

/// The command lines of the published Python implementations, openai/improved-diffusion and openai/guided-diffusion,
/// as options of ours. A checkpoint of theirs says nothing of its architecture: only these flags do.
namespace iddpm {

/// Which of their programs a command line belongs to: flags and defaults differ.
enum class ReferenceFamily { improved, improved_sr, guided, guided_sr, classifier };

/// "improved", "improved_sr", "guided", "guided_sr", "classifier". The parser throws Error listing them.
std::string name(ReferenceFamily family);
ReferenceFamily parse_reference_family(const std::string& name);

/// "--image_size 64 --learn_sigma True" as an object of strings. Throws Error on a flag without a value, a value
/// without a flag, or a flag given twice with different values.
nlohmann::json parse_reference_flags(const std::string& command_line);

/// A command line of a U-Net, understood.
struct ReferenceUNet {
  UNetOptions network;       ///< resolved
  nlohmann::json diffusion;  ///< every flag of the diffusion process, typed, the family's default where none was given
  nlohmann::json other;      ///< flags of training, sampling and precision, as they were given
};

/// `flags` is an object whose values may be typed or strings as on a command line; what it leaves out has the family's
/// default. Throws Error naming a flag that is unknown (and the nearest known), of the wrong type, or not possible.
ReferenceUNet reference_unet(ReferenceFamily family, const nlohmann::json& flags);

/// A command line of the noisy classifier, understood.
struct ReferenceClassifier {
  ClassifierOptions classifier;  ///< resolved
  nlohmann::json diffusion;
  nlohmann::json other;
};

/// The same for the family `classifier`.
ReferenceClassifier reference_classifier(const nlohmann::json& flags);

}  // namespace iddpm
