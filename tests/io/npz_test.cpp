#include "iddpm/io/npz.h"

#include <gtest/gtest.h>

#include <span>
#include <vector>

#include "iddpm/io/zip_writer.h"
#include "tests/io/hostile_files.h"
#include "tests/io/packed_zip.h"

namespace iddpm {
namespace {

/// Files that NumPy wrote (make_samples.py beside them).
std::filesystem::path sample(const std::string& name) {
  return std::filesystem::path(IDDPM_SOURCE_DIR) / "tests/io/data" / name;
}

Tensor array(const NamedTensors& arrays, const std::string& name) {
  for (const auto& [key, tensor] : arrays) {
    if (key == name) return tensor;
  }
  ADD_FAILURE() << "no array " << name;
  return at::empty({0});
}

void expect_same(const Tensor& actual, const Tensor& expected) {
  EXPECT_EQ(actual.scalar_type(), expected.scalar_type());
  ASSERT_EQ(actual.sizes(), expected.sizes());
  EXPECT_TRUE(actual.is_contiguous());
  EXPECT_TRUE(at::equal(actual, expected)) << actual << expected;
}

/// An archive with one entry of these bytes.
std::filesystem::path archive_of(const TemporaryFolder& folder, const std::string& entry_name,
                                 const std::string& bytes) {
  ZipWriter writer(folder / "sample.npz");
  writer.add(entry_name, {std::as_bytes(std::span(bytes))});
  writer.commit();
  return folder / "sample.npz";
}

std::string npy_bytes(const std::string& header, const std::string& data) {
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + static_cast<char>(header.size() >> 8) +
         header + data;
}

TEST(Npz, ReadsWhatNumpyWrote) {
  for (const char* name : {"numpy.npz", "numpy_compressed.npz"}) {
    SCOPED_TRACE(name);
    const NamedTensors arrays = read_npz(sample(name));
    EXPECT_EQ(arrays.size(), 10u);
    expect_same(array(arrays, "float32"), at::arange(6, at::kFloat).reshape({2, 3}) / 4.0);
    expect_same(array(arrays, "fortran"), at::arange(24, at::kDouble).reshape({2, 3, 4}));
    expect_same(array(arrays, "float16"), at::arange(3, at::kHalf));
    expect_same(array(arrays, "int64"), at::full({}, -5, at::kLong));
    expect_same(array(arrays, "int32"), at::arange(-2, 3, at::kInt));
    expect_same(array(arrays, "int16"), at::arange(-2, 3, at::kShort));
    expect_same(array(arrays, "int8"), at::arange(-2, 3, at::kChar));
    expect_same(array(arrays, "uint8"), at::arange(250, 256, at::kByte));
    expect_same(array(arrays, "bool"), at::tensor({1, 0, 1}, at::kByte).to(at::kBool));
    expect_same(array(arrays, "empty"), at::empty({3, 0, 2}));
  }
}

TEST(Npz, ReadsTheArraysAskedFor) {
  const NamedTensors arrays = read_npz(sample("numpy.npz"), {"uint8", "int64"});
  ASSERT_EQ(arrays.size(), 2u);
  EXPECT_EQ(arrays[0].first, "int64");
  EXPECT_TRUE(throws_error([] { read_npz(sample("numpy.npz"), {"arr_0"}); }, "numpy.npz holds no array \"arr_0\""));
}

TEST(Npz, ListsWithoutReading) {
  const auto entries = list_npz(sample("numpy_compressed.npz"));
  ASSERT_EQ(entries.size(), 10u);
  EXPECT_EQ(entries[1].name, "fortran");
  EXPECT_EQ(entries[1].type, at::kDouble);
  EXPECT_EQ(entries[1].shape, (std::vector<std::int64_t>{2, 3, 4}));
}

TEST(Npz, RoundTripKeepsEveryTypeAndShape) {
  const TemporaryFolder folder;
  NamedTensors arrays = {
      {"scalar", at::full({}, 2.5)}, {"empty", at::empty({0, 3})}, {"transposed", at::arange(6.0).reshape({2, 3}).t()}};
  for (const at::ScalarType type :
       {at::kDouble, at::kFloat, at::kHalf, at::kLong, at::kInt, at::kShort, at::kChar, at::kByte, at::kBool}) {
    arrays.emplace_back(at::toString(type), at::arange(6).reshape({1, 3, 2}).to(type));
  }
  write_npz(folder / "a.npz", arrays);
  const NamedTensors read = read_npz(folder / "a.npz");
  ASSERT_EQ(read.size(), arrays.size());
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    EXPECT_EQ(read[i].first, arrays[i].first);
    expect_same(read[i].second, arrays[i].second);
  }
}

TEST(Npz, SameArraysGiveTheSameBytes) {
  const TemporaryFolder folder;
  const NamedTensors arrays = {{"arr_0", at::arange(6, at::kByte)}};
  write_npz(folder / "a.npz", arrays);
  write_npz(folder / "b.npz", arrays);
  EXPECT_EQ(contents_of(folder / "a.npz"), contents_of(folder / "b.npz"));
  EXPECT_NE(contents_of(folder / "a.npz").find("{'descr': '|u1', 'fortran_order': False, 'shape': (6,), }"),
            std::string::npos);
}

TEST(Npz, WritingRefusesWhatNumpyCannotHold) {
  const TemporaryFolder folder;
  const auto write = [&](const NamedTensors& arrays) { return [=, &folder] { write_npz(folder / "a.npz", arrays); }; };
  EXPECT_TRUE(throws_error(write({{"x", at::ones({1}, at::kBFloat16)}}), "array \"x\" is of type BFloat16"));
  EXPECT_TRUE(throws_error(write({{"x", Tensor()}}), "array \"x\" is undefined"));
  EXPECT_TRUE(throws_error(write({{"x", at::ones({1})}, {"x", at::ones({1})}}), "array \"x\" is there twice"));
  EXPECT_FALSE(std::filesystem::exists(folder / "a.npz"));
}

TEST(Npz, RefusesArraysOfOtherTypesByName) {
  EXPECT_TRUE(throws_error([] { read_npz(sample("numpy_objects.npz")); }, "\"bad.npy\" is an array of type \"|O\""));
  EXPECT_EQ(read_npz(sample("numpy_objects.npz"), {"good"}).size(), 1u);
  EXPECT_TRUE(throws_error([] { read_npz(sample("numpy_big_endian.npz")); }, "is an array of type \">f4\""));
  EXPECT_TRUE(throws_error([] { read_npz(sample("numpy_records.npz")); }, "is an array of records"));
}

TEST(Npz, TruncationIsAnErrorAtEveryLength) {
  const TemporaryFolder folder;
  for (const char* name : {"numpy.npz", "numpy_compressed.npz"}) {
    expect_error_at_every_truncation(
        contents_of(sample(name)), [&](const std::string& cut) { read_npz(folder.write("a.npz", cut)); }, 400);
  }
}

TEST(Npz, FlippedBytesNeverCrash) {
  const TemporaryFolder folder;
  for (const char* name : {"numpy.npz", "numpy_compressed.npz"}) {
    const std::size_t errors = errors_of_flipped_bytes(
        contents_of(sample(name)), [&](const std::string& changed) { read_npz(folder.write("a.npz", changed)); }, 400);
    EXPECT_GT(errors, 100u);
  }
}

TEST(Npz, RefusesForeignFiles) {
  const TemporaryFolder folder;
  EXPECT_TRUE(throws_error([&] { read_npz(folder / "none.npz"); }, "none.npz: No such file"));
  EXPECT_TRUE(throws_error([&] { read_npz(folder.path()); }, "it is a folder"));
  EXPECT_TRUE(throws_error([&] { read_npz(folder.write("a.npz", "text")); }, "a.npz is not a zip archive"));
  EXPECT_TRUE(throws_error([&] { read_npz(archive_of(folder, "x.npy", "text, and more of it")); },
                           "\"x.npy\" is not an array in NumPy's format"));
  EXPECT_TRUE(read_npz(archive_of(folder, "readme.txt", "text")).empty());
}

TEST(Npz, RefusesDamagedHeaders) {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& header, const std::string& data = "") {
    return [&folder, header, data] { read_npz(archive_of(folder, "x.npy", npy_bytes(header, data))); };
  };
  EXPECT_NO_THROW(read("{'descr': '<f4', 'fortran_order': False, 'shape': (1L,), }\n", "1234")());
  EXPECT_NO_THROW(read("{\"shape\":(1,1),\"fortran_order\":True,\"descr\":\"<f4\"}", "1234")());
  for (const char* header :
       {"", "{", "{}", "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "{'descr': '<f4', 'fortran_order': 0, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"}) {
    EXPECT_TRUE(throws_error(read(header, "1234"), "its header is damaged")) << header;
  }
}

TEST(Npz, RefusesHugeClaimsBeforeTakingMemory) {
  const TemporaryFolder folder;
  const auto read_shape = [&](const std::string& shape) {
    const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + "}";
    return [&folder, header] { read_npz(archive_of(folder, "x.npy", npy_bytes(header, "1234"))); };
  };
  EXPECT_TRUE(throws_error(read_shape("(1000000000000,)"), "needs 4000000000000 bytes but has 4"));
  EXPECT_TRUE(throws_error(read_shape("(4294967296, 4294967296)"), "the impossible shape"));
  EXPECT_TRUE(throws_error(read_shape("(0, 4294967296, 4294967296)"), "the impossible shape"));
  EXPECT_TRUE(
      throws_error([] { read_npz(sample("numpy.npz"), {}, 200); }, "more than the 176 left of the limit of 200"));
}

TEST(Npz, PackedArraysBeyondTheMemoryLimitAreRefusedBeforeTheyAreUnpacked) {
  const TemporaryFolder folder;
  const std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (3000000,)}";
  const auto path = write_packed_zip(folder / "bomb.npz", "x.npy", npy_bytes(header, std::string(3'000'000, '\0')));
  EXPECT_LT(std::filesystem::file_size(path), 8192U);
  EXPECT_EQ(read_npz(path).front().second.numel(), 3'000'000);
  const MemoryLimit limit(1'000'000);
  try {
    read_npz(path);
    ADD_FAILURE() << "it was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::out_of_memory) << error.what();
    EXPECT_NE(std::string(error.what()).find("claims 3000000 bytes"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace iddpm
