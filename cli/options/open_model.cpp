#include "cli/options/open_model.h"

#include "cli/options/model_file.h"

namespace iddpm::cli {

Model open_model(const std::filesystem::path& path, const WeightOptions& weights, const ComputeOptions& compute) {
  const at::Device device = chosen_device(compute);
  return Model::open(find_model(path),
                     {.weights = weight_choice(weights), .device = device, .precision = chosen_precision(compute)});
}

}  // namespace iddpm::cli
