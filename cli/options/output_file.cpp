#include "cli/options/output_file.h"

#include "iddpm/core/error.h"
#include "iddpm/io/atomic_file.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

// Begins to write the file, which ends without a trace.
void try_writing(const std::string& option, const fs::path& path) {
  try {
    const AtomicFile file(path);
  } catch (const Error& error) {
    fail("{}: {}", option, error.what());
  }
}

}  // namespace

void check_output_file(const std::string& option, const fs::path& path, bool overwrite) {
  if (path.empty()) return;
  std::error_code ignored;
  require(overwrite || !fs::exists(path, ignored),
          "{}: '{}' exists; choose another name, or replace it with --overwrite", option, path.string());
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  require(fs::is_directory(folder, ignored), "{}: '{}' can't be written, since there is no folder '{}'", option,
          path.string(), folder.string());
  try_writing(option, path);
}

void check_output_folder(const std::string& option, const fs::path& folder) {
  std::error_code ignored;
  fs::path existing = fs::absolute(folder);
  while (!fs::exists(existing, ignored) && existing.has_relative_path()) existing = existing.parent_path();
  require(fs::is_directory(existing, ignored), "{}: '{}' can't be a folder, since '{}' is a file", option,
          folder.string(), existing.string());
  try_writing(option, existing / "any");
}

}  // namespace iddpm::cli
