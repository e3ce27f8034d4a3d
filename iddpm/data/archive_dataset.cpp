// Images within zip and tar archives, one or the shards of one data set, read without unpacking them.

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/data/detect.h"
#include "iddpm/data/fit_image.h"
#include "iddpm/data/fnv.h"
#include "iddpm/data/folder_listing.h"
#include "iddpm/data/image_files.h"
#include "iddpm/data/lower_case.h"
#include "iddpm/io/image_file.h"
#include "iddpm/io/packed_files.h"

namespace iddpm {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t longest_label_file = 1 << 20;
constexpr std::size_t longest_class_name = 1000;

/// A file within one of the archives.
struct Member {
  std::size_t archive = 0;
  std::size_t file = 0;
  std::string name;  ///< within the archive, without folders that hold all of it
};

using Archives = std::vector<std::shared_ptr<const PackedFiles>>;

class ArchiveFiles : public ImageFiles {
 public:
  ArchiveFiles(Archives archives, std::vector<Member> members)
      : archives_(std::move(archives)), members_(std::move(members)) {}

  std::size_t count() const override { return members_.size(); }
  std::string name(std::size_t index) const override {
    const Member& member = members_[index];
    const PackedFiles& archive = *archives_[member.archive];
    return fmt::format("{}: {}", archive.path().string(), archive.files()[member.file].name);
  }
  std::string short_name(std::size_t index) const override { return members_[index].name; }
  std::string bytes(std::size_t index) const override {
    return archives_[members_[index].archive]->read(members_[index].file);
  }
  std::uint64_t contents_hash() const override {
    Fnv1a hash;
    for (const Member& member : members_) {
      const PackedFile& file = archives_[member.archive]->files()[member.file];
      hash.add(file.name);
      hash.add(static_cast<std::int64_t>(file.size));
    }
    return hash.value();
  }

 private:
  Archives archives_;
  std::vector<Member> members_;
};

/// What the archives were found to hold.
struct ArchiveContents {
  Archives archives;
  std::vector<Member> images;
  /// Files beside them that may say their classes, by archive and key (the name up to the first dot of its last part).
  std::map<std::pair<std::size_t, std::string>, std::vector<Member>> label_files;
  std::vector<LeftOut> left_out;
};

std::string last_part(const std::string& name) { return name.substr(name.rfind('/') + 1); }

std::string key_of_sample(const std::string& name) {
  const std::size_t part = name.rfind('/') + 1;  // 0 where there is none
  return name.substr(0, name.find('.', part));
}

std::string ending_of(const std::string& name) {
  const std::string part = last_part(name);
  const std::size_t dot = part.rfind('.');
  return dot == std::string::npos ? "" : lower_case(part.substr(dot));
}

bool is_hidden(const std::string& name) {
  return name.starts_with("__MACOSX/") || (name.starts_with('.') && !name.starts_with("./")) ||
         name.find("/.") != std::string::npos;
}

void sort_in(ArchiveContents& contents, std::size_t archive) {
  const std::vector<PackedFile>& files = contents.archives[archive]->files();
  for (std::size_t i = 0; i < files.size(); ++i) {
    std::string name = files[i].name.starts_with("./") ? files[i].name.substr(2) : files[i].name;
    if (name.empty() || name.ends_with('/')) continue;
    const std::string ending = ending_of(name);
    if (is_hidden(name)) {
      leave_out(contents.left_out, "hidden", name);
    } else if (is_image_file_name(name)) {
      contents.images.push_back({.archive = archive, .file = i, .name = std::move(name)});
    } else if (ending == ".cls" || ending == ".json") {
      const std::string key = key_of_sample(name);
      contents.label_files[{archive, key}].push_back({.archive = archive, .file = i, .name = std::move(name)});
    } else {
      leave_out(contents.left_out, ending.empty() ? "files without an ending" : ending + " files", name);
    }
  }
}

// Without the folder that all images are in, as long as folders are left, as unpacked archives are looked at.
void drop_wrappers(std::vector<Member>& images) {
  if (images.empty()) return;
  const std::string first = images.front().name;
  std::size_t begin = 0;  // names are as long as a stranger likes: what is dropped is erased once
  while (true) {
    const std::size_t end = first.find('/', begin) + 1;
    if (end == 0) break;
    const bool wraps_all = std::all_of(images.begin(), images.end(), [&](const Member& image) {
      return image.name.compare(begin, end - begin, first, begin, end - begin) == 0 &&
             image.name.find('/', end) != std::string::npos;
    });
    if (!wraps_all) break;
    begin = end;
  }
  for (Member& image : images) image.name.erase(0, begin);
}

ArchiveContents read_archives(const std::vector<fs::path>& paths) {
  ArchiveContents contents;
  for (const fs::path& path : paths) {
    contents.archives.push_back(open_packed_files(path));
    sort_in(contents, contents.archives.size() - 1);
  }
  drop_wrappers(contents.images);
  return contents;
}

std::string top_folder(const Member& image) {
  const std::size_t slash = image.name.find('/');
  return slash == std::string::npos ? "" : image.name.substr(0, slash);
}

/// The folders of the two splits within archives, if all images are in folders and two are named so.
struct SplitNames {
  std::string train;
  std::string test;
};
std::optional<SplitNames> split_names(const std::vector<Member>& images) {
  std::set<std::string> folders;
  for (const Member& image : images) folders.insert(top_folder(image));
  if (folders.contains("")) return std::nullopt;
  const auto named = [&](std::initializer_list<const char*> names) -> std::string {
    for (const char* name : names) {
      for (const std::string& folder : folders) {
        if (lower_case(folder) == name) return folder;
      }
    }
    return "";
  };
  SplitNames names{.train = named({"train", "training"}),
                   .test = named({"test", "testing", "val", "valid", "validation", "eval"})};
  if (names.train.empty() || names.test.empty()) return std::nullopt;
  return names;
}

// The images below one folder, named from there.
std::vector<Member> images_below(const std::vector<Member>& images, const std::string& folder) {
  std::vector<Member> below;
  for (const Member& image : images) {
    if (top_folder(image) != folder) continue;
    below.push_back(image);
    below.back().name.erase(0, folder.size() + 1);
  }
  return below;
}

std::string without_blanks(const std::string& text) {
  const char* blanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(blanks);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string checked_class(std::string name, const std::string& where) {
  require(name.size() <= longest_class_name, "{}: expected the name of a class, got {} bytes", where, name.size());
  return name;
}

// "3" or "cat": what a .cls file holds, or a .json's first member of these.
std::optional<std::string> class_in(const PackedFiles& archive, const Member& file) {
  const std::string text = archive.read(file.file, longest_label_file);
  const std::string where = fmt::format("{}: {}", archive.path().string(), file.name);
  if (ending_of(file.name) == ".cls") {
    const std::string name = without_blanks(text);
    return name.empty() ? std::nullopt : std::optional(checked_class(name, where));
  }
  const nlohmann::json json = parse_json(text, where);
  if (!json.is_object()) return std::nullopt;
  for (const char* member : {"label", "cls", "class", "class_name"}) {
    if (!json.contains(member)) continue;
    if (json[member].is_string()) return checked_class(json[member].get<std::string>(), where);
    if (json[member].is_number_integer()) return json[member].dump();
  }
  return std::nullopt;
}

// The classes that files beside the images say; empty unless each image has one.
std::vector<std::optional<std::string>> classes_beside(const ArchiveContents& contents) {
  std::vector<std::optional<std::string>> classes;
  for (const Member& image : contents.images) {
    const PackedFiles& archive = *contents.archives[image.archive];
    std::string name = archive.files()[image.file].name;
    if (name.starts_with("./")) name.erase(0, 2);
    const auto beside = contents.label_files.find({image.archive, key_of_sample(name)});
    if (beside == contents.label_files.end()) return {};
    std::optional<std::string> found;
    for (const Member& file : beside->second) {
      if (!found) found = class_in(archive, file);
    }
    if (!found) return {};
    classes.push_back(std::move(found));
  }
  return classes;
}

FolderLabels labels_of(const ArchiveContents& contents, const fs::path& path, const DatasetOptions& options) {
  std::vector<std::string> names;
  for (const Member& image : contents.images) names.push_back(image.name);
  if (options.labels == LabelSource::automatic && !contents.label_files.empty()) {
    const auto classes = classes_beside(contents);
    if (!classes.empty()) return labels_of_classes(names, classes, options, ".cls or .json files beside the images");
  }
  return label_images(names, path, options);
}

// The images without those that have no label.
void drop_unlabelled_members(std::vector<Member>& images, FolderLabels& labels) {
  if (labels.labels.empty()) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (labels.labels[i] < 0) continue;
    if (kept != i) images[kept] = std::move(images[i]);
    labels.labels[kept++] = labels.labels[i];
  }
  images.resize(kept);
  labels.labels.resize(kept);
}

std::vector<fs::path> archives_in(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const std::string& name : list_folder(folder).files) {
    if (is_archive_name(name)) paths.push_back(folder / name);
  }
  return paths;
}

/// Archives, those of the split that was asked for where folders hold them apart.
struct ChosenArchives {
  std::vector<fs::path> train;
  std::vector<fs::path> test;  ///< empty: all are in `train`
};

ChosenArchives find_archives(const fs::path& path) {
  if (!is_folder(path)) return {.train = {path}, .test = {}};
  ChosenArchives chosen{.train = archives_in(path), .test = {}};
  if (!chosen.train.empty()) return chosen;
  const std::optional<SplitFolders> splits = find_split_folders(path);
  if (splits) chosen = {.train = archives_in(splits->train), .test = archives_in(splits->test)};
  return chosen;
}

}  // namespace

bool is_archive_folder(const fs::path& folder) {
  const FolderEntries entries = list_folder(folder);
  const auto holds_archives = [](const FolderEntries& held) {
    return held.folders.empty() && std::any_of(held.files.begin(), held.files.end(), is_archive_name) &&
           std::none_of(held.files.begin(), held.files.end(), is_image_file_name);
  };
  if (holds_archives(entries)) return true;
  const std::optional<SplitFolders> splits = find_split_folders(folder);
  return splits && holds_archives(list_folder(splits->test)) && holds_archives(list_folder(splits->train));
}

bool is_image_archive(const fs::path& path) {
  const auto archive = open_packed_files(path);
  return std::any_of(archive->files().begin(), archive->files().end(),
                     [](const PackedFile& file) { return is_image_file_name(file.name); });
}

bool archives_have_test_split(const fs::path& path) {
  const ChosenArchives chosen = find_archives(path);
  return !chosen.test.empty() || split_names(read_archives(chosen.train).images).has_value();
}

std::shared_ptr<const Dataset> open_archives(const fs::path& path, const DatasetOptions& options) {
  check_dataset_options(options);
  const ChosenArchives chosen = find_archives(path);
  const bool test = options.split == "test";
  DatasetOptions own = options;
  // As a model that was trained on the train split would know them.
  const auto take_classes = [&](const ArchiveContents& train) {
    if (!own.class_names.empty() || own.labels == LabelSource::none) return;
    own.class_names = labels_of(train, path, options).class_names;
    if (own.class_names.empty()) own.labels = LabelSource::none;
  };
  ArchiveContents contents = read_archives(test && !chosen.test.empty() ? chosen.test : chosen.train);
  std::string split;
  if (!chosen.test.empty()) {
    if (test) take_classes(read_archives(chosen.train));
    split = test ? "test, beside train" : "train, beside test";
  } else if (const auto names = split_names(contents.images)) {
    ArchiveContents train = contents;
    train.images = images_below(contents.images, names->train);
    if (test) take_classes(train);
    contents.images = test ? images_below(contents.images, names->test) : std::move(train.images);
    split = fmt::format("{} ({}/), beside {}/", test ? "test" : "train", test ? names->test : names->train,
                        test ? names->train : names->test);
  } else {
    require(!test, "{} has no test split: expected folders train and test", path.string());
    if (options.split) split = "train, which is all of it: there is no test split";
  }
  require(!contents.images.empty(), "{} holds no images: expected .png, .jpg, .webp, .gif, .bmp or .tif files in it",
          path.string());
  FolderLabels labels = labels_of(contents, path, own);
  std::vector<LeftOut> left_out = std::move(labels.left_out);
  left_out.insert(left_out.end(), contents.left_out.begin(), contents.left_out.end());
  drop_unlabelled_members(contents.images, labels);
  const std::string kind = contents.archives.size() == 1
                               ? "archive of images"
                               : fmt::format("{} archives of images", contents.archives.size());
  return image_files_dataset(
      {.files = std::make_shared<ArchiveFiles>(std::move(contents.archives), std::move(contents.images)),
       .labels = std::move(labels),
       .source = path.string(),
       .kind = kind,
       .split = std::move(split),
       .left_out = std::move(left_out)},
      options);
}

}  // namespace iddpm
