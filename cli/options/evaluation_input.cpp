#include "cli/options/evaluation_input.h"

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"
#include "iddpm/model/run_folder.h"

namespace iddpm::cli {

namespace fs = std::filesystem;

bool looks_like_safetensors(const fs::path& path) {
  if (!fs::is_regular_file(path)) return false;
  const InputFile file(path);
  if (file.size() < 10) return false;
  // The header's length, 8 bytes with the least first, then the header, a JSON object.
  const std::string start = file.read_at(0, 9);
  std::uint64_t length = 0;
  for (std::size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(start[i]);
  return start[8] == '{' && length <= file.size() - 8;
}

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
