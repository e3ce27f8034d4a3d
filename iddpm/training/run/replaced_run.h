#pragma once

#include <filesystem>

namespace iddpm {

/// A new run in the folder of an earlier one, and runs that came to nothing. What the earlier run left (its record,
/// log, report, checkpoints, sample grids, TensorBoard files, and what `iddpm sample` and `evaluate` added; nothing
/// else) lies aside in folders
/// ".replaced" until the new run has its first checkpoint.

/// Moves the earlier run aside. Throws Error if there is none (no run.json).
void move_run_aside(const std::filesystem::path& run_folder);

/// Deletes what lies aside.
void delete_replaced_run(const std::filesystem::path& run_folder);

/// Whether a run lies aside, all of it.
bool holds_replaced_run(const std::filesystem::path& run_folder);

/// Whether the run in the folder can be gone on with.
bool has_checkpoint(const std::filesystem::path& run_folder);

/// Deletes what a run wrote that has no checkpoint, so that another can begin in its folder. Nothing if it has one.
void delete_unsaved_run(const std::filesystem::path& run_folder);

enum class ReplacedRun { none, put_back, deleted };
/// After a new run that failed or was killed: if it has no checkpoint, it goes and the earlier run is put back; if it
/// has one, the rest of the earlier run is deleted. Can itself be killed and be called again.
ReplacedRun settle_replaced_run(const std::filesystem::path& run_folder);

}  // namespace iddpm
