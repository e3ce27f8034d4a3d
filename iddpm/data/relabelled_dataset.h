#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "iddpm/data/dataset.h"

namespace iddpm {

/// A data set's classes compared by name with those of a model.
struct ClassComparison {
  std::vector<std::string> shared;   ///< in both, in the model's order
  std::vector<std::string> added;    ///< only the data have them, in the data's order
  std::vector<std::string> missing;  ///< only the model has them, in the model's order
};
ClassComparison compare_classes(const std::vector<std::string>& model, const std::vector<std::string>& data);

/// The same images, labelled by `class_names`: each class under the number that its name has there. Throws Error naming
/// the first class of the data that isn't among them.
std::shared_ptr<const Dataset> relabelled_dataset(std::shared_ptr<const Dataset> dataset,
                                                  std::vector<std::string> class_names);

}  // namespace iddpm
