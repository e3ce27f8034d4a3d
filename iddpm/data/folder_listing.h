#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace iddpm {

/// Whether the path is a folder, a regular file; false if that can't be found out.
bool is_folder(const std::filesystem::path& path);
bool is_file(const std::filesystem::path& path);

/// The images in a folder and its sub-folders (by file name: .png, .jpg, .jpeg, .webp), as paths relative to it with
/// '/', in the order of a sorted walk. Hidden files and folders and dangling links are left out. Links to folders are
/// followed, but every folder is read only once, so that links in a circle end. Throws Error naming a folder that can't
/// be read.
std::vector<std::string> list_images(const std::filesystem::path& folder);

/// The names of a folder's sub-folders and files, sorted, without hidden ones. Throws Error if it can't be read.
struct FolderEntries {
  std::vector<std::string> folders;
  std::vector<std::string> files;
};
FolderEntries list_folder(const std::filesystem::path& folder);

/// Where a folder of images keeps its two splits, if it has both: a sub-folder named train or training, and one named
/// test, testing, val, valid or validation, and no images beside them.
struct SplitFolders {
  std::filesystem::path train;
  std::filesystem::path test;
};
std::optional<SplitFolders> find_split_folders(const std::filesystem::path& folder);

}  // namespace iddpm
