#include "iddpm/io/tar_archive.h"

#include <gtest/gtest.h>

#include "iddpm/core/memory_limit.h"
#include "iddpm/io/packed_files.h"
#include "tests/expect_error.h"
#include "tests/io/packed_zip.h"
#include "tests/io/tar_samples.h"
#include "tests/temporary_folder.h"

namespace iddpm {
namespace {

class TarArchiveFile : public ::testing::Test {
 protected:
  TarArchive opened(const std::string& bytes) { return TarArchive(folder_.write("a.tar", bytes)); }
  void refuses(const std::string& bytes, const std::vector<std::string>& words) {
    expect_error([&] { opened(bytes); }, words);
  }
  TemporaryFolder folder_;
};

TEST_F(TarArchiveFile, GivesTheContentsOfItsFilesInAnyOrder) {
  const std::string large(1000, 'x');
  const TarArchive archive =
      opened(tar_entry("folder/", "", '5') + tar_entry("folder/a.png", "one") + tar_entry("link", "", '2') +
             tar_entry("b.png", large) + tar_entry("c", "") + tar_end());
  ASSERT_EQ(archive.entries().size(), 3U);
  EXPECT_EQ(archive.entries()[0].name, "folder/a.png");
  EXPECT_EQ(archive.entries()[1].name, "b.png");
  EXPECT_EQ(archive.read(archive.entries()[2]), "");
  EXPECT_EQ(archive.read(archive.entries()[1]), large);
  EXPECT_EQ(archive.read(archive.entries()[0]), "one");
}

TEST_F(TarArchiveFile, KnowsLongNamesAndSizesOfPaxAndGnu) {
  const std::string pax(150, 'p'), gnu(180, 'g');
  std::string base_256(12, '\0');
  base_256[0] = '\x80';
  base_256[11] = 3;
  const TarArchive archive =
      opened(pax_header("path", pax) + tar_entry("short", "1") + tar_entry("././@LongLink", gnu + '\0', 'L') +
             tar_entry("short", "22") + tar_entry("large", "333", '0', base_256) + pax_header("size", "4") +
             tar_entry("sized", "4444", '0', "00000000000") + tar_end());
  ASSERT_EQ(archive.entries().size(), 4U);
  EXPECT_EQ(archive.entries()[0].name, pax);
  EXPECT_EQ(archive.entries()[1].name, gnu);
  EXPECT_EQ(archive.read(archive.entries()[2]), "333");
  EXPECT_EQ(archive.read(archive.entries()[3]), "4444");
}

TEST_F(TarArchiveFile, RefusesWhatIsDamagedCutOrLies) {
  const std::string whole = tar_entry("a", std::string(600, 'a')) + tar_entry("b", "b");
  EXPECT_EQ(opened(whole).entries().size(), 2U) << "the end may be missing";
  refuses(whole.substr(0, 900), {"a.tar", "is cut", "600 bytes"});
  refuses(whole + "rest", {"a.tar", "within a header"});
  refuses(std::string(512, 'n'), {"no tar archive"});
  std::string flipped = whole;
  flipped[3] = '!';
  refuses(flipped, {"wrong checksum"});
  refuses(tar_entry("a", "", '0', "77777777777"), {"is cut", "8589934591 bytes"});
  refuses(tar_entry("a", "", '0', "9"), {"no size"});
  refuses(tar_entry("a", "", '0', std::string("\x80\x01\0\0\0\0\0\0\0\0\0\1", 12)), {"no size"});
  refuses(tar_entry("x", "9 path", 'x'), {"extended header is damaged"});
  refuses(tar_entry("x", "11 size=ab\n", 'x') + tar_entry("a", ""), {"expected a size", "ab"});
  refuses(pax_header("GNU.sparse.major", "1"), {"sparse"});
  refuses(tar_entry("a", "", 'S'), {"sparse"});
}

TEST_F(TarArchiveFile, IsKnownByItsFirstHeader) {
  EXPECT_TRUE(looks_like_tar(tar_entry("a", "")));
  EXPECT_FALSE(looks_like_tar(std::string(512, '\0')));
  EXPECT_FALSE(looks_like_tar("short"));
}

TEST(PackedFiles, ReadsZipAndTarAlikeWithinLimits) {
  const TemporaryFolder folder;
  write_packed_zip(folder / "a.zip", std::string("x/a"), std::string("first"), std::string("b"),
                   std::string(100'000, 'b'));
  folder.write("a.tar", tar_entry("x/a", "first") + tar_entry("b", std::string(100'000, 'b')));
  for (const char* name : {"a.zip", "a.tar"}) {
    const auto archive = open_packed_files(folder / name);
    ASSERT_EQ(archive->files().size(), 2U) << name;
    EXPECT_EQ(archive->files()[0].name, "x/a");
    EXPECT_EQ(archive->read(1).size(), 100'000U);
    EXPECT_EQ(archive->read(0), "first");
    expect_error([&] { archive->read(1, 10); }, {name, "b", "100000 bytes"});
    set_memory_limit(1000);
    expect_error([&] { archive->read(1); }, {name, "b"});
    set_memory_limit(0);
  }
  folder.write("a.tar.gz", "\x1f\x8b packed");
  expect_error([&] { open_packed_files(folder / "a.tar.gz"); }, {"gzip", ".tar"});
}

}  // namespace
}  // namespace iddpm
