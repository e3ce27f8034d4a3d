#include "iddpm/io/packed_files.h"

#include <algorithm>
#include <mutex>

#include "iddpm/core/error.h"
#include "iddpm/core/memory_limit.h"
#include "iddpm/io/tar_archive.h"
#include "iddpm/io/zip_archive.h"

namespace iddpm {

namespace {

void check_packed_size(const PackedFiles& archive, const PackedFile& file, std::uint64_t limit) {
  const std::string name = fmt::format("{}: {}", archive.path().string(), quote(file.name));
  require(file.size <= limit, "{} is of {} bytes, more than the limit of {}", name, file.size, limit);
  require_memory(file.size, name);
}

class TarFiles : public PackedFiles {
 public:
  explicit TarFiles(const std::filesystem::path& path) : archive_(path) {
    for (const TarEntry& entry : archive_.entries()) files_.push_back({.name = entry.name, .size = entry.size});
  }
  const std::filesystem::path& path() const override { return archive_.path(); }
  std::uint64_t archive_size() const override { return archive_.file_size(); }
  const std::vector<PackedFile>& files() const override { return files_; }
  std::string read(std::size_t index, std::uint64_t limit) const override {
    check_packed_size(*this, files_.at(index), limit);
    return archive_.read(archive_.entries()[index]);
  }

 private:
  TarArchive archive_;
  std::vector<PackedFile> files_;
};

/// libzip reads one entry of an archive at a time: bytes come one after the other, decoding them is done outside.
class ZipFiles : public PackedFiles {
 public:
  explicit ZipFiles(const std::filesystem::path& path) : archive_(path) {
    for (const ZipEntry& entry : archive_.entries()) files_.push_back({.name = entry.name, .size = entry.size});
  }
  const std::filesystem::path& path() const override { return archive_.path(); }
  std::uint64_t archive_size() const override { return archive_.file_size(); }
  const std::vector<PackedFile>& files() const override { return files_; }
  std::string read(std::size_t index, std::uint64_t limit) const override {
    check_packed_size(*this, files_.at(index), limit);
    const std::scoped_lock lock(mutex_);
    ZipEntryReader reader(archive_, archive_.entries()[index]);
    std::string bytes = reader.read(archive_.entries()[index].size);
    reader.finish();
    return bytes;
  }

 private:
  ZipArchive archive_;
  std::vector<PackedFile> files_;
  mutable std::mutex mutex_;
};

}  // namespace

std::unique_ptr<PackedFiles> open_packed_files(const std::filesystem::path& path) {
  std::string beginning;
  {
    const InputFile file(path);
    beginning = file.read_at(0, std::min<std::uint64_t>(file.size(), 512));
  }
  if (beginning.starts_with("PK")) return std::make_unique<ZipFiles>(path);
  require(!beginning.starts_with("\x1f\x8b"), ErrorKind::unsupported,
          "{} is packed with gzip, which can't be read at random; unpack it to a .tar first", path.string());
  return std::make_unique<TarFiles>(path);
}

bool is_archive_name(const std::string& name) { return name.ends_with(".zip") || name.ends_with(".tar"); }

}  // namespace iddpm
