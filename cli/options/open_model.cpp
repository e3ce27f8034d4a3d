#include "cli/options/open_model.h"

#include "cli/terminal/command_line.h"
#include "iddpm/model/run_folder.h"

namespace iddpm::cli {

std::filesystem::path find_model(const std::filesystem::path& path) {
  std::vector<std::string> skipped;
  const std::filesystem::path found = find_checkpoint(path, &skipped);
  for (const std::string& reason : skipped) say("Passing over a damaged checkpoint: " + reason);
  if (!skipped.empty()) say("Using " + display_path(found));
  return found;
}

Model open_model(const std::filesystem::path& path, const WeightOptions& weights, const ComputeOptions& compute) {
  const at::Device device = chosen_device(compute);
  return Model::open(find_model(path),
                     {.weights = weight_choice(weights), .device = device, .precision = chosen_precision(compute)});
}

}  // namespace iddpm::cli
