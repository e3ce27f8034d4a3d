#include "iddpm/training/run/replaced_run.h"

#include <string>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/training/run/run_record.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

// One in each folder, so that nothing is ever moved to another file system.
constexpr const char* aside_name = ".replaced";
constexpr const char* sub_folders[] = {"", "checkpoints", "samples", "tensorboard"};

bool is_of_a_run(const std::string& folder, const fs::path& path) {
  const std::string name = path.filename().string();
  if (folder.empty()) {
    return name == "run.json" || name == "log.jsonl" || name == "report.html" || name == "evaluation.json";
  }
  if (folder == "checkpoints") return name.starts_with("step_") && name.ends_with(".safetensors");
  if (folder == "tensorboard") return name.starts_with("events.out.tfevents.");
  std::error_code ignored;
  if (name == "final") return fs::exists(path / "samples.json", ignored);
  return name.starts_with("step_") && name.ends_with(".png");
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    entries.push_back(entry->path());
  }
  return entries;
}

void move_to(const fs::path& path, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) fs::rename(path, folder / path.filename(), error);
  require(!error, "cannot move {} to {}: {}", path.string(), folder.string(), error.message());
}

void delete_entry(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  require(!error, "cannot delete {}: {}", path.string(), error.message());
}

std::vector<fs::path> run_files(const fs::path& run_folder, const std::string& sub_folder) {
  std::vector<fs::path> files = entries_of(run_folder / sub_folder);
  std::erase_if(files, [&](const fs::path& path) { return !is_of_a_run(sub_folder, path); });
  return files;
}

void delete_run_files(const fs::path& run_folder) {
  for (const std::string sub_folder : sub_folders) {
    for (const fs::path& path : run_files(run_folder, sub_folder)) delete_entry(path);
  }
}

}  // namespace

bool has_checkpoint(const fs::path& run_folder) {
  std::error_code ignored;
  return fs::is_directory(run_folder / "checkpoints", ignored) && !list_checkpoints(run_folder).empty();
}

void delete_unsaved_run(const fs::path& run_folder) {
  if (has_checkpoint(run_folder)) return;
  delete_run_files(run_folder);
  std::error_code not_empty;
  for (const std::string sub_folder : sub_folders) {
    if (!sub_folder.empty()) fs::remove(run_folder / sub_folder, not_empty);
  }
}

// The record is moved last and put back first: while it lies aside, all of the earlier run does, and a checkpoint in
// the run folder is the new run's.

void move_run_aside(const fs::path& run_folder) {
  const fs::path record = run_record_path(run_folder);
  std::error_code ignored;
  require(fs::exists(record, ignored), "{} is not the folder of a run: it has no run.json", run_folder.string());
  for (const std::string sub_folder : sub_folders) {
    for (const fs::path& path : run_files(run_folder, sub_folder)) {
      if (path != record) move_to(path, run_folder / sub_folder / aside_name);
    }
  }
  move_to(record, run_folder / aside_name);
}

void delete_replaced_run(const fs::path& run_folder) {
  // The record goes last, for the same reason.
  for (const std::string sub_folder : sub_folders) {
    if (!sub_folder.empty()) delete_entry(run_folder / sub_folder / aside_name);
  }
  const fs::path aside = run_folder / aside_name;
  for (const fs::path& path : entries_of(aside)) {
    if (path.filename() != run_record_path("").filename()) delete_entry(path);
  }
  delete_entry(aside);
}

bool holds_replaced_run(const fs::path& run_folder) {
  std::error_code ignored;
  return fs::exists(run_record_path(run_folder / aside_name), ignored);
}

ReplacedRun settle_replaced_run(const fs::path& run_folder) {
  const fs::path record = run_record_path(run_folder / aside_name);
  std::error_code ignored;
  bool moved = false;
  if (holds_replaced_run(run_folder)) {
    if (has_checkpoint(run_folder)) {
      delete_replaced_run(run_folder);
      return ReplacedRun::deleted;
    }
    delete_run_files(run_folder);
    move_to(record, run_folder);
    moved = true;
  }
  for (const std::string sub_folder : sub_folders) {
    const fs::path aside = run_folder / sub_folder / aside_name;
    for (const fs::path& path : entries_of(aside)) {
      move_to(path, run_folder / sub_folder);
      moved = true;
    }
    fs::remove(aside, ignored);
  }
  return moved ? ReplacedRun::put_back : ReplacedRun::none;
}

}  // namespace iddpm
