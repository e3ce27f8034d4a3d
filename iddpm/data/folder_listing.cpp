#include "iddpm/data/folder_listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/data/lower_case.h"
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

enum class EntryKind { folder, linked_folder, file, other };

struct FolderCloser {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

/// The kind of an entry, asking the file system only where the listing doesn't tell.
EntryKind kind_of(DIR* folder, const dirent& entry) {
  if (entry.d_type == DT_REG) return EntryKind::file;
  if (entry.d_type == DT_DIR) return EntryKind::folder;
  if (entry.d_type != DT_LNK && entry.d_type != DT_UNKNOWN) return EntryKind::other;
  struct stat status = {};
  bool is_link = entry.d_type == DT_LNK;
  if (!is_link) {
    if (::fstatat(::dirfd(folder), entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return EntryKind::other;
    is_link = S_ISLNK(status.st_mode);
  }
  if (is_link && ::fstatat(::dirfd(folder), entry.d_name, &status, 0) != 0) return EntryKind::other;
  if (S_ISDIR(status.st_mode)) return is_link ? EntryKind::linked_folder : EntryKind::folder;
  return S_ISREG(status.st_mode) ? EntryKind::file : EntryKind::other;
}

/// Calls function(name, kind) for every entry, in no order.
template <typename Function>
void for_each_entry(const fs::path& path, const Function& function) {
  const std::unique_ptr<DIR, FolderCloser> folder(::opendir(path.c_str()));
  if (folder == nullptr) {
    fail("cannot read the folder {}: {}", path.string(), std::generic_category().message(errno));
  }
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    function(std::string(name), kind_of(folder.get(), *entry));
  }
  if (errno != 0) fail("cannot read the folder {}: {}", path.string(), std::generic_category().message(errno));
}

bool is_image_by(DataRules rules, const std::string& name) {
  if (rules == DataRules::current) return is_image_file_name(name);
  const std::string lower = lower_case(name);
  return lower.ends_with(".png") || lower.ends_with(".jpg") || lower.ends_with(".jpeg") || lower.ends_with(".webp");
}

/// ".heic files", "files without an ending".
std::string reason_for_other_file(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  constexpr std::size_t longest_ending = 8;
  if (dot == std::string::npos || name.size() - dot > longest_ending) return "files that aren't images";
  return lower_case(name.substr(dot)) + " files";
}

/// What one folder holds, its names behind `prefix`.
struct OneFolder {
  std::vector<std::string> folders;
  std::vector<std::string> linked_folders;
  std::vector<std::string> images;
  std::vector<LeftOut> left_out;
  bool written_by_iddpm = false;
};

OneFolder contents_of(const fs::path& path, const std::string& prefix, DataRules rules) {
  OneFolder contents;
  for_each_entry(path, [&](const std::string& name, EntryKind kind) {
    if (name.front() == '.') {
      leave_out(contents.left_out, "hidden", prefix + name);
    } else if (kind == EntryKind::folder) {
      contents.folders.push_back(prefix + name + '/');
    } else if (kind == EntryKind::linked_folder) {
      contents.linked_folders.push_back(prefix + name + '/');
    } else if (kind == EntryKind::other) {
      leave_out(contents.left_out, "dangling links and special files", prefix + name);
    } else if (is_image_by(rules, name)) {
      contents.images.push_back(prefix + name);
    } else {
      contents.written_by_iddpm = contents.written_by_iddpm || name == "run.json" || name == "samples.json";
      leave_out(contents.left_out, reason_for_other_file(name), prefix + name);
    }
  });
  std::sort(contents.linked_folders.begin(), contents.linked_folders.end());
  return contents;
}

void merge(std::vector<LeftOut>& into, const std::vector<LeftOut>& from) {
  for (const LeftOut& left : from) {
    for (const std::string& example : left.examples) leave_out(into, left.reason, example);
    const auto place =
        std::find_if(into.begin(), into.end(), [&](const LeftOut& l) { return l.reason == left.reason; });
    place->count += left.count - static_cast<std::int64_t>(left.examples.size());
  }
}

/// Whether `a` comes first in a sorted walk: compared name by name, that is with '/' below every other character.
bool walked_before(const std::string& a, const std::string& b) {
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<int>(static_cast<unsigned char>(c)); };
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](char x, char y) { return rank(x) < rank(y); });
}

std::optional<std::string> first_of(const std::vector<std::string>& present, DataRules rules,
                                    std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    for (const std::string& candidate : present) {
      if ((rules == DataRules::first ? candidate : lower_case(candidate)) == name) return candidate;
    }
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

ImageListing list_images(const fs::path& folder, DataRules rules) {
  ImageListing listing;
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
    OneFolder contents = contents_of(path, prefix, rules);
    if (contents.written_by_iddpm && !prefix.empty() && rules == DataRules::current) {
      leave_out(listing.left_out, "folders that iddpm wrote", prefix);
      continue;
    }
    folders.insert(folders.end(), contents.folders.begin(), contents.folders.end());
    links.insert(links.end(), contents.linked_folders.begin(), contents.linked_folders.end());
    std::move(contents.images.begin(), contents.images.end(), std::back_inserter(listing.images));
    merge(listing.left_out, contents.left_out);
  }
  std::sort(listing.images.begin(), listing.images.end(), walked_before);
  std::sort(listing.left_out.begin(), listing.left_out.end(),
            [](const LeftOut& a, const LeftOut& b) { return a.reason < b.reason; });
  return listing;
}

FolderEntries list_folder(const fs::path& folder) {
  FolderEntries entries;
  for_each_entry(folder, [&](const std::string& name, EntryKind kind) {
    if (name.front() == '.' || kind == EntryKind::other) return;
    (kind == EntryKind::file ? entries.files : entries.folders).push_back(name);
  });
  std::sort(entries.folders.begin(), entries.folders.end());
  std::sort(entries.files.begin(), entries.files.end());
  return entries;
}

fs::path without_wrappers(const fs::path& folder) {
  constexpr int most_wrappers = 8;
  fs::path inner = folder;
  for (int depth = 0; depth < most_wrappers; ++depth) {
    const FolderEntries entries = list_folder(inner);
    if (entries.folders.size() != 1 || !entries.files.empty()) return inner;
    const fs::path only = inner / entries.folders.front();
    const FolderEntries within = list_folder(only);
    if (within.folders.empty() || !within.files.empty()) return inner;
    inner = only;
  }
  return inner;
}

std::optional<SplitFolders> find_split_folders(const fs::path& folder, DataRules rules) {
  const FolderEntries entries = list_folder(folder);
  if (std::any_of(entries.files.begin(), entries.files.end(),
                  [&](const std::string& name) { return is_image_by(rules, name); })) {
    return std::nullopt;
  }
  const auto train = first_of(entries.folders, rules, {"train", "training"});
  auto test = first_of(entries.folders, rules, {"test", "testing", "val", "valid", "validation"});
  if (!test && rules == DataRules::current) test = first_of(entries.folders, rules, {"eval"});
  if (!train || !test) return std::nullopt;
  SplitFolders splits = {.train = folder / *train, .test = folder / *test};
  for (const std::string& name : entries.folders) {
    if (name != *train && name != *test) splits.unused.push_back(name);
  }
  return splits;
}

}  // namespace iddpm
