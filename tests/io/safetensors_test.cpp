#include "iddpm/io/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "iddpm/io/input_file.h"
#include "tests/io/hostile_files.h"

namespace iddpm {
namespace {

/// A file as the format lays it out: the header's length in 8 bytes, the header, the data.
std::string safetensors_bytes(const std::string& header, const std::string& data, std::uint64_t claimed_header_size) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &claimed_header_size, 8);
  return bytes + header + data;
}

std::string safetensors_bytes(const std::string& header, const std::string& data) {
  return safetensors_bytes(header, data, header.size());
}

class Safetensors : public ::testing::Test {
 protected:
  SafetensorsFile open(const std::string& contents) const { return SafetensorsFile(folder_.write("f", contents)); }

  void expect_refused(const std::string& contents, const std::string& part) const {
    EXPECT_TRUE(throws_error([&] { open(contents); }, part));
    EXPECT_TRUE(throws_error([&] { open(contents); }, (folder_ / "f").string()));
  }

  void expect_header_refused(const std::string& header, const std::string& part, std::size_t data_size = 8) const {
    expect_refused(safetensors_bytes(header, std::string(data_size, '\1')), part);
  }

  TemporaryFolder folder_;
};

TEST_F(Safetensors, RoundTripKeepsEveryTypeAndShape) {
  NamedTensors tensors;
  for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kShort,
                                    at::kChar, at::kByte, at::kBool}) {
    tensors.emplace_back(at::toString(type), at::arange(6).reshape({1, 3, 2}).to(type));
  }
  tensors.emplace_back("scalar", at::full({}, 2.5));
  tensors.emplace_back("empty", at::empty({3, 0, 2}));
  tensors.emplace_back("transposed", at::arange(6.0).reshape({2, 3}).t());
  tensors.emplace_back("name with \"quotes\" and \xc3\xa9", at::ones({1}));
  const std::map<std::string, std::string> metadata = {{"case", "{\"a\": 1}"}, {"", "empty key"}};
  write_safetensors(folder_ / "a", tensors, metadata);

  const SafetensorsFile file(folder_ / "a");
  EXPECT_EQ(file.metadata(), metadata);
  EXPECT_EQ(file.names().size(), tensors.size());
  EXPECT_EQ(file.file_size(), std::filesystem::file_size(folder_ / "a"));
  for (const auto& [name, tensor] : tensors) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(file.contains(name));
    EXPECT_EQ(file.type(name), tensor.scalar_type());
    EXPECT_EQ(file.shape(name), tensor.sizes().vec());
    EXPECT_TRUE(at::equal(file.tensor(name), tensor));
  }
}

TEST_F(Safetensors, EveryTensorIsAligned) {
  write_safetensors(folder_ / "a", {{"byte", at::ones({3}, at::kByte)}, {"wide", at::ones({2}, at::kDouble)}});
  const std::string contents = contents_of(folder_ / "a");
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, contents.data(), 8);
  EXPECT_EQ(header_size % 8, 0u);
  EXPECT_EQ(SafetensorsFile(folder_ / "a").names(), (std::vector<std::string>{"wide", "byte"}));
}

TEST_F(Safetensors, KeepsTheOrderOfTensorsOfOneType) {
  write_safetensors(folder_ / "a", {{"b", at::ones({2})}, {"none", at::empty({0})}, {"a", at::zeros({1})}});
  EXPECT_EQ(SafetensorsFile(folder_ / "a").names(), (std::vector<std::string>{"b", "none", "a"}));
}

TEST_F(Safetensors, EmptyFileHasNoTensors) {
  write_safetensors(folder_ / "a", {});
  EXPECT_TRUE(SafetensorsFile(folder_ / "a").names().empty());
}

TEST_F(Safetensors, ReadsAFileWrittenByHand) {
  const std::string header = R"({"x":{"dtype":"I16","shape":[2,1],"data_offsets":[2,6]},"__metadata__":{"k":"v"},)"
                             R"("flag":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}}   )";
  const SafetensorsFile file = open(safetensors_bytes(header, std::string("\x02\x00\x01\x01\xff\xff", 6)));
  EXPECT_EQ(file.names(), (std::vector<std::string>{"flag", "x"}));
  EXPECT_EQ(file.metadata().at("k"), "v");
  EXPECT_TRUE(at::equal(file.tensor("x"), at::tensor({257, -1}, at::kShort).reshape({2, 1})));
  EXPECT_TRUE(at::equal(file.tensor("flag"), at::tensor({1, 0}, at::kByte).to(at::kBool)));
}

TEST_F(Safetensors, MovedFileStaysReadable) {
  write_safetensors(folder_ / "a", {{"x", at::ones({2})}});
  SafetensorsFile first(folder_ / "a");
  SafetensorsFile second = std::move(first);
  EXPECT_TRUE(at::equal(second.tensor("x"), at::ones({2})));
}

TEST_F(Safetensors, SaysWhatIsMissing) {
  EXPECT_TRUE(throws_error([&] { SafetensorsFile(folder_ / "none"); }, "No such file"));
  write_safetensors(folder_ / "a", {{"x", at::ones({2})}});
  EXPECT_TRUE(throws_error([&] { SafetensorsFile(folder_ / "a").tensor("y"); }, "holds no tensor \"y\""));
}

TEST_F(Safetensors, TruncationIsAnErrorAtEveryLength) {
  write_safetensors(folder_ / "a", {{"x", at::ones({2, 3})}, {"y", at::ones({5}, at::kByte)}}, {{"k", "v"}});
  const std::string contents = contents_of(folder_ / "a");
  expect_error_at_every_truncation(contents, [&](const std::string& cut) { open(cut); });
  expect_refused(contents.substr(0, contents.size() - 1), "is truncated: it claims 29 bytes of tensors but holds 28");
  expect_refused(contents + "x", "claims 29 bytes of tensors but holds 30");
}

TEST_F(Safetensors, FlippedBytesNeverCrash) {
  write_safetensors(folder_ / "a", {{"x", at::ones({2, 3})}, {"y", at::ones({5}, at::kByte)}}, {{"k", "v"}});
  const std::size_t errors = errors_of_flipped_bytes(contents_of(folder_ / "a"), [&](const std::string& changed) {
    const SafetensorsFile file = open(changed);
    for (const std::string& name : file.names()) file.tensor(name);
  });
  EXPECT_GT(errors, 100u);
}

TEST_F(Safetensors, RefusesForeignFiles) {
  expect_refused("", "not a safetensors file, or truncated: it holds 0 bytes");
  expect_refused("PK\3\4 something else altogether", "not a safetensors file: it claims a header of");
  expect_refused(safetensors_bytes("{}", "", 1000), "claims a header of 1000 bytes but holds 2");
  expect_refused(safetensors_bytes("{}", "", 100'000'001), "claims a header of 100000001 bytes");
  expect_refused(safetensors_bytes("{}", "", ~std::uint64_t{0}), "claims a header of 18446744073709551615 bytes");
  expect_header_refused("[1]", "does not begin with {");
  expect_header_refused("", "does not begin with {");
  expect_header_refused("{\"x\":", "its header is not JSON");
  expect_header_refused(std::string("{}\0", 3), "its header is not JSON");
  expect_header_refused("{\"\xff\":1}", "its header is not JSON");
}

TEST_F(Safetensors, RefusesHeadersOfAnotherForm) {
  const std::string begin = R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8])";
  expect_header_refused(begin + "}}" + std::string(10, ' ') + "!", "not JSON");
  expect_header_refused(begin + R"(,"more":1}})", "unknown field \"more\"");
  expect_header_refused(begin + R"(,"dtype":"F32"}})", "has dtype twice");
  expect_header_refused(begin + R"(},"x":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}})", "holds \"x\" twice");
  expect_header_refused(begin + R"(},"__metadata__":{"a":1}})", "holds a number where");
  expect_header_refused(begin + R"(},"__metadata__":{"a":"1","a":"2"}})", "metadata holds \"a\" twice");
  expect_header_refused(begin + R"(},"__metadata__":{"a":{}}})", "holds an object where");
  expect_header_refused(begin + R"(},"__metadata__":[]})", "holds a list where");
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[2]}})", "lacks dtype, shape or data_offsets");
  expect_header_refused(R"({"x":null})", "holds null where");
  expect_header_refused(R"({"x":{"dtype":4}})", "holds a number where");
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[2.0]}})", "holds a fraction where");
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[-2]}})", "holds a negative number where");
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[[2]]}})", "holds a list where");
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[true]}})", "holds a truth value where");
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", "not a begin and an end");
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", "not a begin and an end");
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}})", "not a begin and an end");
  expect_header_refused(R"({"x":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})", "is of type \"F8_E4M3\"");
}

TEST_F(Safetensors, RefusesOffsetsThatDoNotFit) {
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", "needs 12 bytes but has 8");
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "begins at byte 4, expected 0");
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                        "claims 4 bytes of tensors but holds 8");
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                        R"("y":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                        "\"y\" begins at byte 0, expected 4");
}

TEST_F(Safetensors, RefusesHugeClaimsBeforeTakingMemory) {
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}})",
                        "is truncated: it claims 4000000000000 bytes of tensors but holds 8");
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})",
                        "the impossible shape [4294967296, 4294967296]");
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}})",
                        "the impossible shape", 0);
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[18446744073709551615]}})",
                        "a dimension of 18446744073709551615");
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[99999999999999999999]}})", "holds a fraction where");
  std::string ones = "1";
  for (int i = 0; i < 100; ++i) ones += ",1";
  expect_header_refused(R"({"x":{"dtype":"F32","shape":[)" + ones + "]}}", "more than 32 dimensions");
}

TEST_F(Safetensors, ATensorOfHolesBeyondTheMemoryLimitIsRefused) {
  // A file of a few kilobytes on disk that is a gigabyte long: the rest are holes.
  constexpr std::uint64_t length = 1'000'000'000;
  const std::string header = "{\"x\":{\"dtype\":\"U8\",\"shape\":[1000000000],\"data_offsets\":[0,1000000000]}}";
  std::string beginning(8, '\0');
  beginning[0] = static_cast<char>(header.size());
  const TemporaryFolder folder;
  const auto path = folder.write("holes.safetensors", beginning + header);
  std::filesystem::resize_file(path, beginning.size() + header.size() + length);
  const MemoryLimit limit(1'000'000);
  const SafetensorsFile file(path);
  EXPECT_TRUE(throws_error([&] { file.tensor("x"); },
                           "tensor \"x\" needs 1000000000 bytes, more than the memory limit of 1000000"));
}

TEST_F(Safetensors, DeepNestingIsRefusedAtOnce) {
  expect_header_refused(std::string("{\"x\":").append(1'000'000, '['), "holds a list where");
}

TEST_F(Safetensors, WritingRefusesWhatTheFormatCannotHold) {
  const auto write = [&](const NamedTensors& tensors, const std::map<std::string, std::string>& metadata = {}) {
    return [=, this] { write_safetensors(folder_ / "out", tensors, metadata); };
  };
  EXPECT_TRUE(throws_error(write({{"x", at::ones({1})}, {"x", at::ones({1})}}), "two tensors are named \"x\""));
  EXPECT_TRUE(throws_error(write({{"__metadata__", at::ones({1})}}), "two tensors are named"));
  EXPECT_TRUE(throws_error(write({{"x", Tensor()}}), "\"x\" is undefined"));
  EXPECT_TRUE(throws_error(write({{"x", at::ones({1}, at::kComplexFloat)}}), "ComplexFloat"));
  EXPECT_TRUE(throws_error(write({{"\xff", at::ones({1})}}), "must be UTF-8"));
  EXPECT_TRUE(throws_error(write({}, {{"k", "\xff"}}), "must be UTF-8"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

TEST(Quote, EscapesAndShortens) {
  EXPECT_EQ(quote("a\x1b[2J\n"), "\"a\\x1b[2J\\n\"");
  EXPECT_EQ(quote(std::string(1000, 'x')).size(), 125u);
}

}  // namespace
}  // namespace iddpm
