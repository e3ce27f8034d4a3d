#include "iddpm/data/folder_listing.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <initializer_list>
#include <set>
#include <system_error>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/io/image_file.h"

namespace iddpm {

namespace {

namespace fs = std::filesystem;

/// What makes two paths the same folder.
using FolderIdentity = std::pair<dev_t, ino_t>;

FolderIdentity identity_of(const fs::path& folder) {
  struct stat status = {};
  if (::stat(folder.c_str(), &status) != 0) {
    fail("cannot read the folder {}: {}", folder.string(), std::generic_category().message(errno));
  }
  return {status.st_dev, status.st_ino};
}

enum class EntryKind { folder, linked_folder, file };

/// Calls function(name, kind) for every entry that is not hidden, in no order.
template <typename Function>
void for_each_entry(const fs::path& folder, const Function& function) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    if (name.starts_with('.')) continue;
    std::error_code unreadable;
    const fs::file_status status = entries->status(unreadable);
    if (fs::is_directory(status)) {
      function(name, entries->is_symlink(unreadable) ? EntryKind::linked_folder : EntryKind::folder);
    } else if (fs::is_regular_file(status)) {
      function(name, EntryKind::file);
    }
  }
  if (error) fail("cannot read the folder {}: {}", folder.string(), error.message());
}

/// Whether `a` comes first in a sorted walk: compared name by name, that is with '/' below every other character.
bool walked_before(const std::string& a, const std::string& b) {
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<int>(static_cast<unsigned char>(c)); };
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](char x, char y) { return rank(x) < rank(y); });
}

std::optional<fs::path> first_of(const fs::path& folder, const std::vector<std::string>& present,
                                 std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (std::find(present.begin(), present.end(), name) != present.end()) return folder / name;
  }
  return std::nullopt;
}

}  // namespace

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

std::vector<std::string> list_images(const fs::path& folder) {
  std::vector<std::string> images;
  std::set<FolderIdentity> seen;
  // Folders before links to folders, so that an image goes by its own name where it has one.
  std::deque<std::string> folders = {""};
  std::deque<std::string> links;
  while (!folders.empty() || !links.empty()) {
    std::deque<std::string>& next = folders.empty() ? links : folders;
    const std::string prefix = std::move(next.front());
    next.pop_front();
    const fs::path path = prefix.empty() ? folder : folder / prefix;
    if (!seen.insert(identity_of(path)).second) continue;
    std::vector<std::string> linked;
    for_each_entry(path, [&](const std::string& name, EntryKind kind) {
      if (kind == EntryKind::folder) {
        folders.push_back(prefix + name + '/');
      } else if (kind == EntryKind::linked_folder) {
        linked.push_back(prefix + name + '/');
      } else if (is_image_file_name(name)) {
        images.push_back(prefix + name);
      }
    });
    std::sort(linked.begin(), linked.end());
    links.insert(links.end(), linked.begin(), linked.end());
  }
  std::sort(images.begin(), images.end(), walked_before);
  return images;
}

FolderEntries list_folder(const fs::path& folder) {
  FolderEntries entries;
  for_each_entry(folder, [&](const std::string& name, EntryKind kind) {
    (kind == EntryKind::file ? entries.files : entries.folders).push_back(name);
  });
  std::sort(entries.folders.begin(), entries.folders.end());
  std::sort(entries.files.begin(), entries.files.end());
  return entries;
}

std::optional<SplitFolders> find_split_folders(const fs::path& folder) {
  const FolderEntries entries = list_folder(folder);
  if (std::any_of(entries.files.begin(), entries.files.end(),
                  [](const std::string& name) { return is_image_file_name(name); })) {
    return std::nullopt;
  }
  const auto train = first_of(folder, entries.folders, {"train", "training"});
  const auto test = first_of(folder, entries.folders, {"test", "testing", "val", "valid", "validation"});
  if (!train || !test) return std::nullopt;
  return SplitFolders{*train, *test};
}

}  // namespace iddpm
