#pragma once

#include <string>
#include <vector>

#include "iddpm/model/model_settings.h"
#include "iddpm/training/training_options.h"

namespace iddpm {

/// A named set of choices: the paper's runs exactly, and ones of ours for small machines.
struct Preset {
  std::string name;
  std::string summary;  ///< one line, with where it comes from
  ModelSettings model = {};
  TrainingOptions training = {};
  bool classes_from_data =
      false;  ///< class-conditional whenever the data have classes; the paper\'s runs are as they are
};

const std::vector<Preset>& presets();
std::vector<std::string> preset_names();
/// Throws Error listing the names (nearest first) if there is none of this name.
const Preset& find_preset(const std::string& name);

}  // namespace iddpm
