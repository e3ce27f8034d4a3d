#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace iddpm {

/// A checkpoint in a run folder, by its name only.
struct RunCheckpoint {
  std::filesystem::path path;
  std::int64_t step = 0;
};

/// RUN/checkpoints/step_00012000.safetensors.
std::filesystem::path checkpoint_path(const std::filesystem::path& run_folder, std::int64_t step);
/// What lies beside a model file for resuming: step_00012000.training.safetensors.
std::filesystem::path training_state_path(const std::filesystem::path& checkpoint);
/// Where the table of its best timesteps is kept, once measured: step_00012000.pairwise_bound.safetensors.
std::filesystem::path pairwise_bound_path(const std::filesystem::path& checkpoint);
/// The same of the table of its trajectories: step_00012000.trajectories.safetensors.
std::filesystem::path trajectory_table_path(const std::filesystem::path& checkpoint);

/// The model files of a run (or of the folder itself, if it has no folder "checkpoints"), oldest first. Empty if there
/// are none.
std::vector<RunCheckpoint> list_checkpoints(const std::filesystem::path& run_folder);

/// The newest checkpoint of a run that `check_whole` doesn't throw at. Those it throws at are passed over, with the
/// reason of each added to `skipped`. Throws Error if there is none.
std::filesystem::path find_whole_checkpoint(const std::filesystem::path& run_folder,
                                            const std::function<void(const std::filesystem::path&)>& check_whole,
                                            std::vector<std::string>* skipped = nullptr);

/// The model file meant by a path that a person typed: a file itself; a run folder: the newest of its checkpoints that
/// is whole (passing over broken ones, for each of which a sentence with its name goes to `skipped`); a folder of
/// diffusers: the weights of its U-Net. Throws Error if there is none, or what the folder holds is another kind of
/// model.
std::filesystem::path find_checkpoint(const std::filesystem::path& path, std::vector<std::string>* skipped = nullptr);

/// Deletes all but the last `keep` of the checkpoints up to the one of `newest_step`, which always stays, each with its
/// training state and its tables of timesteps. Those that `is_whole` says are damaged aren't counted among the kept.
/// Later ones (of a run that went on from before a damaged checkpoint) are left alone.
void remove_old_checkpoints(const std::filesystem::path& run_folder, std::int64_t keep, std::int64_t newest_step,
                            const std::function<bool(const RunCheckpoint&)>& is_whole = {});

}  // namespace iddpm
