#include "iddpm/io/npz_stream.h"

#include "iddpm/io/atomic_file.h"
#include "iddpm/io/npz.h"
#include "tests/expect_error.h"
#include "tests/temporary_folder.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

Tensor numbered_rows(std::int64_t count) { return at::arange(count * 6).to(at::kByte).view({count, 2, 3}); }
NpzRows rows_of(std::int64_t count) { return {.name = "arr_0", .rows = count, .row_shape = {2, 3}}; }

}  // namespace

TEST(NpzStream, GivesTheFileThatWritingAtOnceGives) {
  const TemporaryFolder folder;
  const Tensor rows = numbered_rows(5), labels = at::tensor({4, 3, 2, 1, 0}, at::kLong);
  NpzStream stream(folder / "a.npz", rows_of(5), false);
  stream.append(rows.slice(0, 0, 2));
  stream.append(rows.slice(0, 2));
  EXPECT_FALSE(fs::exists(folder / "a.npz"));
  stream.finish({{"arr_1", labels}});
  EXPECT_FALSE(fs::exists(NpzStream::unfinished_path(folder / "a.npz")));
  write_npz(folder / "b.npz", {{"arr_0", rows}, {"arr_1", labels}});
  EXPECT_EQ(read_file(folder / "a.npz"), read_file(folder / "b.npz"));
}

TEST(NpzStream, GoesOnWithTheWholeRowsThatAKilledProcessLeft) {
  const TemporaryFolder folder;
  const fs::path path = folder / "a.npz", unfinished = NpzStream::unfinished_path(path);
  const Tensor rows = numbered_rows(5);
  { NpzStream(path, rows_of(5), false).append(rows.slice(0, 0, 3)); }
  fs::resize_file(unfinished, fs::file_size(unfinished) - 2);
  NpzStream stream(path, rows_of(5), true);
  EXPECT_EQ(stream.rows(), 2);
  EXPECT_TRUE(at::equal(stream.read(1, 1), rows.slice(0, 1, 2)));
  stream.shorten(1);
  stream.append(rows.slice(0, 1));
  stream.finish();
  EXPECT_TRUE(at::equal(read_npz(path).front().second, rows));
}

TEST(NpzStream, GoesOnWhereAProcessWasKilledWhileItFinished) {
  const TemporaryFolder folder;
  const fs::path path = folder / "a.npz";
  {
    NpzStream stream(path, rows_of(5), false);
    stream.append(numbered_rows(5));
    stream.finish({{"arr_1", at::tensor({1, 2}, at::kLong)}});
  }
  const std::string whole = read_file(path);
  fs::rename(path, NpzStream::unfinished_path(path));
  NpzStream stream(path, rows_of(5), true);
  EXPECT_EQ(stream.rows(), 5);
  stream.finish({{"arr_1", at::tensor({1, 2}, at::kLong)}});
  EXPECT_EQ(read_file(path), whole);
}

TEST(NpzStream, BeginsAnewUnlessItIsToGoOnWithTheSameArray) {
  const TemporaryFolder folder;
  const fs::path path = folder / "a.npz";
  { NpzStream(path, rows_of(5), false).append(numbered_rows(3)); }
  { EXPECT_EQ(NpzStream(path, rows_of(6), true).rows(), 0); }
  EXPECT_FALSE(fs::exists(NpzStream::unfinished_path(path))) << "without rows it leaves nothing";
}

TEST(NpzStream, RefusesWhatDoesNotFit) {
  const TemporaryFolder folder;
  NpzStream stream(folder / "a.npz", rows_of(2), false);
  expect_error([&] { stream.append(numbered_rows(3)); }, {"a.npz", "at most 2 rows"});
  expect_error([&] { stream.append(numbered_rows(1).view({1, 3, 2})); }, {"[2, 3]"});
  expect_error([&] { stream.finish(); }, {"0 of 2 rows"});
  expect_error([&] { NpzStream(folder / "a.npz", rows_of(2), true); }, {"a.npz", "another process"});
  expect_error([&] { NpzStream(folder / "no/a.npz", rows_of(2), false); }, {"no/a.npz"});
}

}  // namespace iddpm
