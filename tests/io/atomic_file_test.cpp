#include "iddpm/io/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "tests/io/hostile_files.h"

namespace iddpm {
namespace {

std::size_t entries_of(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

/// No file may grow beyond `bytes` while it lives: what a full disk looks like to a program.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small = {.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_ = {};
};

TEST(AtomicFile, AppearsOnlyWhenCommitted) {
  const TemporaryFolder folder;
  {
    AtomicFile file(folder / "a.txt");
    file.write("hello ");
    EXPECT_FALSE(std::filesystem::exists(folder / "a.txt"));
    file.write("world");
    file.commit();
  }
  EXPECT_EQ(read_file(folder / "a.txt"), "hello world");
  EXPECT_EQ(entries_of(folder.path()), 1u);
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const TemporaryFolder folder;
  { AtomicFile(folder / "a.txt").write("hello"); }
  EXPECT_EQ(entries_of(folder.path()), 0u);
}

TEST(AtomicFile, ReplacesAFileWithAnother) {
  const TemporaryFolder folder;
  folder.write("a.txt", "a longer text from before");
  write_file_atomically(folder / "a.txt", "new");
  EXPECT_EQ(read_file(folder / "a.txt"), "new");
}

TEST(AtomicFile, WritesAnEmptyFile) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "a.txt", "");
  EXPECT_EQ(read_file(folder / "a.txt"), "");
}

TEST(AtomicFile, FollowsALinkToItsFile) {
  const TemporaryFolder folder;
  folder.write("a.txt", "old");
  std::filesystem::create_symlink("a.txt", folder / "link");
  write_file_atomically(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "a.txt"), "new");
}

TEST(AtomicFile, FullDiskKeepsTheOldFileAndSaysWhy) {
  const TemporaryFolder folder;
  folder.write("a.txt", "old");
  {
    const SmallDisk disk(1000);
    EXPECT_TRUE(throws_error([&] { write_file_atomically(folder / "a.txt", std::string(5000, 'x')); },
                             "cannot write " + (folder / "a.txt").string() + ": File too large"));
  }
  EXPECT_EQ(read_file(folder / "a.txt"), "old");
  EXPECT_EQ(entries_of(folder.path()), 1u);
}

TEST(AtomicFile, NeverReplacesADevice) {
  EXPECT_TRUE(throws_error([] { write_file_atomically("/dev/full", "x"); }, "/dev/full: it is not a regular file"));
  struct stat status = {};
  ASSERT_EQ(stat("/dev/full", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
}

TEST(AtomicFile, NamesTheFolderThatIsMissing) {
  const TemporaryFolder folder;
  const auto path = folder / "no/such/file";
  EXPECT_TRUE(throws_error([&] { AtomicFile{path}; }, "cannot write " + path.string() + ": No such file or directory"));
}

TEST(AtomicFile, RefusesAFolderAndAnEmptyName) {
  const TemporaryFolder folder;
  EXPECT_TRUE(throws_error([&] { AtomicFile{folder.path()}; }, "it is a folder"));
  EXPECT_TRUE(throws_error([&] { AtomicFile{""}; }, "the name of a file is expected"));
}

TEST(AtomicFile, SweepsWhatKilledProcessesLeftAndNothingElse) {
  const TemporaryFolder folder;
  const auto left = folder.write(".iddpm-0123456789abcdef.tmp", "half of it");
  const auto mine = folder.write(".iddpm-notes.tmp", "mine");
  const auto other = folder.write("model.safetensors", "whole");
  AtomicFile being_written(folder / "next");
  being_written.write("more");
  sweep_temporary_files(folder.path());
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_TRUE(std::filesystem::exists(mine));
  EXPECT_TRUE(std::filesystem::exists(other));
  being_written.commit();
  EXPECT_EQ(read_file(folder / "next"), "more");
  sweep_temporary_files(folder / "none");
}

TEST(ReadFile, NamesWhatItCannotRead) {
  const TemporaryFolder folder;
  EXPECT_TRUE(throws_error([&] { read_file(folder / "none"); }, "none: No such file or directory"));
  EXPECT_TRUE(throws_error([&] { read_file(folder.path()); }, "it is a folder"));
  EXPECT_TRUE(throws_error([&] { read_file("/dev/zero"); }, "/dev/zero: it is not a regular file"));
  folder.write("big", "12345");
  EXPECT_TRUE(throws_error([&] { read_file(folder / "big", 4); }, "holds 5 bytes, more than the 4"));
  EXPECT_EQ(read_file(folder / "big", 5), "12345");
}

TEST(ReadFile, DoesNotWaitForANamedPipe) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(throws_error([&] { read_file(folder / "pipe"); }, "it is not a regular file"));
}

}  // namespace
}  // namespace iddpm
