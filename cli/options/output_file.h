#pragma once

#include <filesystem>
#include <string>

namespace iddpm::cli {

/// Refuses, before the work, a file that couldn't be written after it: throws Error, beginning with the option, if
/// there is one of that name (unless `overwrite`), if its folder isn't there, or if that takes no files. Leaves nothing
/// behind. No path: nothing to refuse.
void check_output_file(const std::string& option, const std::filesystem::path& path, bool overwrite);

/// The same for a folder that files are written into and that may not be there yet.
void check_output_folder(const std::string& option, const std::filesystem::path& folder);

}  // namespace iddpm::cli
