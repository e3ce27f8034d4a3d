#include "cli/options/model_file.h"

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

}  // namespace iddpm::cli
