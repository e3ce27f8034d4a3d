#include "iddpm/io/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "tests/io/hostile_files.h"

namespace iddpm {
namespace {

std::string gzipped(const std::string& text) {
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string many_numbers() {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += std::to_string(i * 7919 % 1000);
  return text;
}

TEST(Gzip, PlainFilesPassThrough) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_maybe_gzip(folder.write("a.gz", "not packed")), "not packed");
  EXPECT_EQ(read_maybe_gzip(folder.write("b", "")), "");
}

TEST(Gzip, UnpacksWhateverTheName) {
  const TemporaryFolder folder;
  const std::string text = many_numbers();
  EXPECT_EQ(read_maybe_gzip(folder.write("a", gzipped(text))), text);
  EXPECT_EQ(read_maybe_gzip(folder.write("empty", gzipped(""))), "");
}

TEST(Gzip, UnpacksMembersInARowAndPadding) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_maybe_gzip(folder.write("a", gzipped("one ") + gzipped("two") + std::string(512, '\0'))), "one two");
  EXPECT_TRUE(
      throws_error([&] { read_maybe_gzip(folder.write("b", gzipped("one") + "more")); }, "something else follows"));
}

TEST(Gzip, TruncationIsAnErrorAtEveryLength) {
  const TemporaryFolder folder;
  const std::string packed = gzipped("twelve letters, and some more to pack");
  // Two bytes tell the format; less is not gzip.
  for (std::size_t length = 2; length < packed.size(); ++length) {
    EXPECT_TRUE(throws_error([&] { read_maybe_gzip(folder.write("a", packed.substr(0, length))); }, "truncated"))
        << length;
  }
}

TEST(Gzip, FlippedBytesNeverPass) {
  const TemporaryFolder folder;
  const std::string text = many_numbers();
  const std::string packed = gzipped(text).substr(10);
  const std::string header = gzipped(text).substr(0, 10);
  const std::size_t count = 300;
  std::size_t tried = 0;
  const std::size_t errors = errors_of_flipped_bytes(
      packed,
      [&](const std::string& changed) {
        ++tried;
        read_maybe_gzip(folder.write("a", header + changed));
      },
      count);
  EXPECT_EQ(errors, tried);
}

TEST(Gzip, BombsAreStoppedAtTheLimit) {
  const TemporaryFolder folder;
  const std::string bomb = gzipped(std::string(50'000'000, '\0'));
  ASSERT_LT(bomb.size(), 100'000u);
  const auto path = folder.write("bomb", bomb);
  EXPECT_TRUE(throws_error([&] { read_maybe_gzip(path, 1'000'000); }, "unpack to more than the 1000000 bytes"));
  EXPECT_EQ(read_maybe_gzip(path, 50'000'000).size(), 50'000'000u);
}

}  // namespace
}  // namespace iddpm
