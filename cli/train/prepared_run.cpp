#include "cli/train/prepared_run.h"

#include <ATen/Parallel.h>

#include "cli/terminal/command_line.h"
#include "iddpm/data/dataset_summary.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/training/run/replaced_run.h"

namespace iddpm::cli {

nlohmann::json summary_of(const Dataset& dataset, const std::filesystem::path& path) {
  const DatasetSummary summary = dataset_summary(dataset, path);
  return {{"size", summary.size},
          {"image_shape", summary.image_shape},
          {"classes", summary.class_names.size()},
          {"fingerprint", summary.fingerprint}};
}

std::int64_t settle_threads(const ComputeOptions& compute, const RunOptions& recorded) {
  ComputeOptions settled = compute;
  const bool as_before = recorded.processes == process_place().size;
  if (settled.threads == 0 && as_before) settled.threads = static_cast<int>(recorded.threads);
  apply_threads(settled);
  return at::get_num_threads();
}

void tidy_run_folder(const std::filesystem::path& folder, std::vector<std::string>& said) {
  if (settle_replaced_run(folder) == ReplacedRun::put_back) {
    said.push_back(fmt::format("The run that was to be replaced is back in {}: the new one had no checkpoint yet",
                               display_path(folder)));
  }
  for (const char* name : {"", "checkpoints", "samples", "tensorboard"}) sweep_temporary_files(folder / name);
}

}  // namespace iddpm::cli
