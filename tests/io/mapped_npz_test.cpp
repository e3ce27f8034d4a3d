#include "iddpm/io/mapped_npz.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "iddpm/io/npz.h"
#include "iddpm/io/stored_entry.h"
#include "tests/expect_error.h"
#include "tests/io/hostile_files.h"
#include "tests/io/packed_zip.h"

namespace iddpm {
namespace {

Tensor many_bytes() { return at::arange(5 * 3 * 700, at::kLong).remainder(251).to(at::kByte).view({5, 3, 700}); }

TEST(MappedNpz, IsTheArrayThatReadingGives) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", {{"first", at::ones({3}, at::kByte)}, {"images", many_bytes()}, {"labels", at::ones(5)}});
  const auto mapped = map_npz_array(folder / "a.npz", "images");
  ASSERT_TRUE(mapped.has_value());
  EXPECT_TRUE(at::equal(*mapped, many_bytes()));
  EXPECT_TRUE(at::equal(mapped->permute({0, 2, 1}).contiguous(), many_bytes().permute({0, 2, 1})));
  std::filesystem::remove(folder / "a.npz");  // a file that is deleted stays while it is mapped
  EXPECT_TRUE(at::equal(*mapped, many_bytes()));
}

TEST(MappedNpz, IsNothingForWhatDoesNotLieThereAsBytes) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", {{"labels", at::ones(5)}});
  EXPECT_FALSE(map_npz_array(folder / "a.npz", "labels").has_value());
  EXPECT_FALSE(map_npz_array(folder / "a.npz", "images").has_value());
  write_packed_zip(folder / "deflated.npz", std::string("images.npy"), std::string(1000, 'x'));
  EXPECT_FALSE(map_npz_array(folder / "deflated.npz", "images").has_value());
}

TEST(MappedNpz, RefusesArchivesThatAreCutOrLie) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", {{"images", many_bytes()}});
  const std::string whole = contents_of(folder / "a.npz");
  const auto map = [&](const std::string& bytes) {
    const auto path = folder.write("b.npz", bytes);
    return [path] { map_npz_array(path, "images"); };
  };
  expect_error(map(whole.substr(0, whole.size() - 30)), {"b.npz"});
  expect_error(map("PK"), {"b.npz", "not a zip archive"});
  // A shape of more bytes than there are.
  std::string larger = whole;
  const std::string shape = "(5, 3, 700)";
  ASSERT_NE(larger.find(shape), std::string::npos);
  larger.replace(larger.find(shape), shape.size(), "(9, 3, 700)");
  expect_error(map(larger), {"b.npz", "beyond the end"});
  // A local header elsewhere.
  std::string moved = whole;
  moved[0] = 'X';
  expect_error(map(moved), {"b.npz", "no entry"});
  // Every cut and every flipped byte of the directory is an Error or the array as it was.
  for (std::size_t i = whole.size() - 200; i < whole.size(); ++i) {
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x55);
    try {
      const auto mapped = map_npz_array(folder.write("c.npz", flipped), "images");
      EXPECT_TRUE(!mapped || mapped->numel() == many_bytes().numel()) << i;
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace iddpm
