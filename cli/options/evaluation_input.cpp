#include "cli/options/evaluation_input.h"

#include "iddpm/core/error.h"
#include "iddpm/io/safetensors_header.h"
#include "iddpm/model/run_folder.h"

namespace iddpm::cli {

namespace fs = std::filesystem;

EvaluationInput kind_of_input(const fs::path& path) {
  require(
      fs::exists(path),
      "'{}': there is nothing to evaluate there; expected a run folder, a checkpoint, a folder of images or an .npz",
      path.string());
  if (fs::is_directory(path)) {
    const bool is_run = fs::exists(path / "run.json") || !list_checkpoints(path).empty();
    return is_run ? EvaluationInput::model : EvaluationInput::images;
  }
  if (looks_like_safetensors(path) || path.extension() == ".safetensors") return EvaluationInput::model;
  return path.extension() == ".json" ? EvaluationInput::result : EvaluationInput::images;
}

}  // namespace iddpm::cli
