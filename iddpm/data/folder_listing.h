#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/data/dataset.h"

namespace iddpm {

/// Whether the path is a folder, a regular file; false if that can't be found out.
bool is_folder(const std::filesystem::path& path);
bool is_file(const std::filesystem::path& path);

/// The images in a folder and its sub-folders.
struct ImageListing {
  std::vector<std::string> images;  ///< paths relative to it with '/', in the order of a sorted walk
  std::vector<LeftOut> left_out;
};

/// Lists the files with an image's name (of the first rules only .png, .jpg, .jpeg, .webp). Left out are hidden files
/// and folders, dangling links, other files, and, unless by the first rules, sub-folders that iddpm itself wrote (with
/// a run.json or samples.json). Links to folders are followed, but every folder is read only once, so that links in a
/// circle end. Asks the file system only about links: a large folder costs one reading. Throws Error naming a folder
/// that can't be read.
ImageListing list_images(const std::filesystem::path& folder, DataRules rules = DataRules::current);

/// The names of a folder's sub-folders and files, sorted, without hidden ones. Throws Error if it can't be read.
struct FolderEntries {
  std::vector<std::string> folders;
  std::vector<std::string> files;
};
FolderEntries list_folder(const std::filesystem::path& folder);

/// The folder itself, or, as unpacked archives have it, the one it holds and nothing else, if that holds folders only;
/// and so on.
std::filesystem::path without_wrappers(const std::filesystem::path& folder);

/// Where a folder of images keeps its two splits, if it has both: a sub-folder named train or training, and one named
/// test, testing, val, valid, validation or eval (in this order; by the first rules in lower case), and no images
/// beside them.
struct SplitFolders {
  std::filesystem::path train;
  std::filesystem::path test;
  std::vector<std::string> unused = {};  ///< names of the other sub-folders
};
std::optional<SplitFolders> find_split_folders(const std::filesystem::path& folder,
                                               DataRules rules = DataRules::current);

}  // namespace iddpm
