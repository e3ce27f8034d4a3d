#include "iddpm/io/pytorch_checkpoint.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "iddpm/io/pickle_reader.h"
#include "iddpm/io/zip_writer.h"
#include "tests/expect_error.h"
#include "tests/io/hostile_files.h"
#include "tests/io/packed_zip.h"
#include "tests/io/pickle_samples.h"

namespace iddpm {
namespace {

/// Files that PyTorch wrote (make_samples.py beside them).
std::filesystem::path pytorch_sample(const std::string& name) {
  return std::filesystem::path(IDDPM_SOURCE_DIR) / "tests/io/data" / name;
}

std::map<std::string, Tensor> by_name(const NamedTensors& tensors) { return {tensors.begin(), tensors.end()}; }

void expect_same_tensor(const Tensor& actual, const Tensor& expected) {
  EXPECT_EQ(actual.scalar_type(), expected.scalar_type());
  ASSERT_EQ(actual.sizes(), expected.sizes());
  EXPECT_TRUE(actual.is_contiguous());
  EXPECT_TRUE(at::equal(actual, expected)) << actual << expected;
}

/// A checkpoint of the zip format with this pickle and one storage "0" of these bytes.
std::filesystem::path checkpoint(const TemporaryFolder& folder, const std::string& pickle, const std::string& storage) {
  ZipWriter writer(folder / "sample.pt");
  writer.add("archive/data.pkl", {std::as_bytes(std::span(pickle))});
  writer.add("archive/data/0", {std::as_bytes(std::span(storage))});
  writer.commit();
  return folder / "sample.pt";
}

class PytorchCheckpoint : public ::testing::Test {
 protected:
  /// Reads a pickled value beside a storage "0" of `floats` numbers.
  NamedTensors read(const std::string& value, std::size_t floats = 4) const {
    return read_pytorch_checkpoint(checkpoint(folder_, pickle::whole(value), std::string(4 * floats, '\0')));
  }

  void expect_refused(const std::string& value, const std::string& part, std::size_t floats = 4) const {
    EXPECT_TRUE(throws_error([&] { read(value, floats); }, part));
    EXPECT_TRUE(throws_error([&] { read(value, floats); }, (folder_ / "sample.pt").string()));
  }

  TemporaryFolder folder_;
};

class PytorchSamples : public ::testing::TestWithParam<const char*> {};

TEST_P(PytorchSamples, HoldEveryTypeLayoutAndNesting) {
  EXPECT_TRUE(is_pytorch_checkpoint(pytorch_sample(GetParam())));
  const NamedTensors in_order = read_pytorch_checkpoint(pytorch_sample(GetParam()));
  EXPECT_EQ(in_order.front().first, "matrix");
  auto tensors = by_name(in_order);
  const Tensor matrix = at::arange(12, at::kFloat).reshape({3, 4});
  expect_same_tensor(tensors["matrix"], matrix);
  expect_same_tensor(tensors["transposed"], matrix.t());
  expect_same_tensor(tensors["slice"], matrix.slice(0, 1).slice(1, 1, 3));
  expect_same_tensor(tensors["expanded"], at::full({3, 2}, 7.0f));
  expect_same_tensor(tensors["parameter"], at::tensor({1.5f, -2.5f}));
  expect_same_tensor(tensors["scalar"], at::full({}, 3.25f));
  expect_same_tensor(tensors["empty"], at::empty({2, 0, 3}));
  const std::vector<std::pair<std::string, at::ScalarType>> types = {
      {"float64", at::kDouble}, {"float16", at::kHalf}, {"bfloat16", at::kBFloat16},
      {"int64", at::kLong},     {"int32", at::kInt},    {"int16", at::kShort},
      {"int8", at::kChar},      {"uint8", at::kByte},   {"bool", at::kBool}};
  for (const auto& [name, type] : types) expect_same_tensor(tensors[name], at::arange(4).to(type));
  expect_same_tensor(tensors["nested.list.0"], at::full({1}, 1.0f));
  expect_same_tensor(tensors["nested.list.1.0"], at::full({1}, 2.0f));
  expect_same_tensor(tensors["nested.5.n"], at::full({1}, 1.0f));
  expect_same_tensor(tensors["default.inside"], at::full({1}, 4.0f));
  EXPECT_EQ(in_order.size(), 20u);
}

TEST_P(PytorchSamples, TensorsOfOneStorageAreIndependent) {
  auto tensors = by_name(read_pytorch_checkpoint(pytorch_sample(GetParam())));
  tensors["matrix"].zero_();
  EXPECT_EQ(tensors["slice"][0][0].item<float>(), 5.0f);
}

TEST_P(PytorchSamples, TruncationIsAnErrorAtEveryLength) {
  const TemporaryFolder folder;
  expect_error_at_every_truncation(
      contents_of(pytorch_sample(GetParam())),
      [&](const std::string& cut) { read_pytorch_checkpoint(folder.write("a.pt", cut)); }, 300);
}

TEST_P(PytorchSamples, FlippedBytesNeverCrash) {
  const TemporaryFolder folder;
  const std::size_t errors = errors_of_flipped_bytes(
      contents_of(pytorch_sample(GetParam())),
      [&](const std::string& changed) { read_pytorch_checkpoint(folder.write("a.pt", changed)); }, 300);
  EXPECT_GT(errors, 100u);
}

INSTANTIATE_TEST_SUITE_P(Protocols, PytorchSamples,
                         ::testing::Values("torch_protocol_2.pt", "torch_protocol_3.pt", "torch_protocol_4.pt",
                                           "torch_protocol_5.pt", "torch_legacy_protocol_2.pt",
                                           "torch_legacy_protocol_4.pt"));

TEST_F(PytorchCheckpoint, ReadsTheStateOfAnOptimizer) {
  for (const char* name : {"torch_optimizer.pt", "torch_optimizer_legacy.pt"}) {
    auto tensors = by_name(read_pytorch_checkpoint(pytorch_sample(name)));
    ASSERT_EQ(tensors.size(), 3u) << name;
    EXPECT_TRUE(at::allclose(tensors["state.0.exp_avg"], at::tensor({0.1f, -0.2f, 0.0f})));
    EXPECT_TRUE(at::allclose(tensors["state.0.exp_avg_sq"], at::tensor({0.001f, 0.004f, 0.0f})));
    EXPECT_EQ(tensors["state.0.step"].item<float>(), 1.0f);
  }
}

TEST_F(PytorchCheckpoint, ReadsASingleTensorUnderNoName) {
  const NamedTensors tensors = read_pytorch_checkpoint(pytorch_sample("torch_bare_tensor.pt"));
  ASSERT_EQ(tensors.size(), 1u);
  EXPECT_EQ(tensors[0].first, "");
  expect_same_tensor(tensors[0].second, at::ones({2}));
}

TEST_F(PytorchCheckpoint, RefusesAPickledModuleByTheNameOfItsClass) {
  EXPECT_TRUE(throws_error([] { read_pytorch_checkpoint(pytorch_sample("torch_module.pt")); },
                           "torch_module.pt asks for \"torch.nn.modules.linear.Linear\""));
}

TEST_F(PytorchCheckpoint, RefusesToRunAnything) {
  using namespace pickle;
  const std::string refused = "no state dictionary needs; it is refused, and nothing of the file was executed";
  expect_refused(call(global("os", "system"), {text("touch executed")}), "asks for \"os.system\", which " + refused);
  expect_refused(text("os") + text("system") + "\x93" + tuple({text("ls")}) + "R", "asks for \"os.system\"");
  expect_refused(call(global("builtins", "eval"), {text("1")}), "asks for \"builtins.eval\"");
  expect_refused(call(global("torch.load", "__class__"), {}), "asks for \"torch.load.__class__\"");
  expect_refused(global("collections", "OrderedDict") + tuple({global("posix", "system")}) + "R", "\"posix.system\"");
  expect_refused(global("torch\x1b[2J", "x"), "torch\\x1b[2J.x");
  expect_refused("(ios\nsystem\n", "operation 0x69");                                    // INST
  expect_refused(std::string("(") + global("torch", "device") + "o", "operation 0x6f");  // OBJ
  expect_refused("\x82\x01", "operation 0x82");                                          // EXT1
  expect_refused(call(global("torch", "FloatStorage"), {}), "\"torch.FloatStorage\" is used as a function");
  expect_refused(text("x") + tuple({}) + "R", "calls something that is no function");
}

TEST_F(PytorchCheckpoint, ReadsATensorWrittenByHand) {
  using namespace pickle;
  const NamedTensors tensors = read(dictionary({{"x", tensor(storage("0", 4), 0, {2, 2}, {2, 1})}}));
  ASSERT_EQ(tensors.size(), 1u);
  expect_same_tensor(tensors[0].second, at::zeros({2, 2}));
}

TEST_F(PytorchCheckpoint, RefusesTensorsThatReachBeyondTheirStorage) {
  using namespace pickle;
  const auto refused = [&](std::int64_t offset, const std::vector<std::int64_t>& shape,
                           const std::vector<std::int64_t>& strides, const std::string& part) {
    expect_refused(dictionary({{"x", tensor(storage("0", 4), offset, shape, strides)}}), part);
  };
  const std::string beyond = "reaches beyond its storage of 4 elements";
  refused(0, {5}, {1}, beyond);
  refused(1, {2, 2}, {2, 1}, beyond);
  refused(-1, {2}, {1}, beyond);
  refused(0, {2, 2}, {1}, beyond);
  refused(3, {2}, {-1}, beyond);
  refused(0, {3}, {std::int64_t{1} << 62}, beyond);
  refused(std::numeric_limits<std::int64_t>::max(), {2}, {1}, beyond);
  refused(0, {-1}, {1}, "the impossible shape [-1]");
  refused(0, {std::int64_t{1} << 40, std::int64_t{1} << 40}, {0, 0}, "the impossible shape");
  refused(0, {0, std::int64_t{1} << 40, std::int64_t{1} << 40}, {0, 0, 0}, "the impossible shape");
  refused(0, std::vector<std::int64_t>(33, 1), std::vector<std::int64_t>(33, 1), "a tensor's shape is none");
}

TEST_F(PytorchCheckpoint, RefusesHugeClaimsBeforeTakingMemory) {
  using namespace pickle;
  const std::int64_t huge = std::int64_t{1} << 38;
  expect_refused(dictionary({{"x", tensor(storage("0", 4), 0, {huge}, {0})}}),
                 "claims 1099511627776 bytes of tensors but holds 16");
  expect_refused(dictionary({{"x", tensor(storage("0", huge), 0, {huge}, {1})}}),
                 "is claimed to be 1099511627776 bytes but holds 16");
  expect_refused(dictionary({{"x", tensor(storage("0", huge, "ByteStorage"), 0, {1}, {1})}}), "but holds 16");
  expect_refused(dictionary({{"x", tensor(storage("0", -1), 0, {1}, {1})}}), "storage \"0\" of -1 elements");
  expect_refused(dictionary({{"x", tensor(storage("1", 4), 0, {1}, {1})}}), "lacks the entry \"archive/data/1\"");
  expect_refused(operation('X', bytes(0xffffffff, 4)) + "abc", "is truncated: its pickle needs 4294967295 bytes more");
  expect_refused(operation('\x8d', bytes(~std::uint64_t{0}, 8)) + "abc", "is truncated");
}

TEST_F(PytorchCheckpoint, OneStorageHasOneDescription) {
  using namespace pickle;
  const std::string both = dictionary(
      {{"x", tensor(storage("0", 4), 0, {1}, {1})}, {"y", tensor(storage("0", 2, "DoubleStorage"), 0, {1}, {1})}});
  expect_refused(both, "storage \"0\" is described in two ways");
}

TEST_F(PytorchCheckpoint, PartsOfAStorageAreChecked) {
  using namespace pickle;
  const auto part = [&](std::int64_t offset, std::int64_t size) {
    const std::string view = tuple({text("view"), integer(offset), integer(size)});
    return dictionary({{"x", tensor(storage("0", 4, "FloatStorage", view), 0, {2}, {1})}});
  };
  EXPECT_EQ(read(part(2, 2)).size(), 1u);
  expect_refused(part(3, 2), "claims 2 elements from 3 on of storage \"0\", which has 4");
  expect_refused(part(-1, 2), "from -1 on");
  expect_refused(part(2, 1), "reaches beyond its storage of 1 elements");
}

TEST_F(PytorchCheckpoint, ValuesThatHoldThemselvesEnd) {
  using namespace pickle;
  expect_refused(std::string("]") + put(0) + get(0) + "a", "is nested more than 32 deep");
  // Each list holds the one before ten times: 10^12 values from 300 bytes.
  std::string lists = std::string("]") + put(0);
  for (int i = 0; i < 12; ++i) {
    std::string items;
    for (int j = 0; j < 10; ++j) items += get(i);
    lists += "0](" + items + "e" + put(i + 1);
  }
  expect_refused(lists, "holds more than 4000000 values");
}

TEST_F(PytorchCheckpoint, OneListTakenManyTimesTakesNoMoreMemory) {
  using namespace pickle;
  // 20,000 numbers, made a set 20,000 times: 3 GB if copied.
  std::string value = "](";
  for (int i = 0; i < 20'000; ++i) value += "K\1";
  value += "e\x85" + put(0) + "0" + global("builtins", "set") + put(1) + "0](";
  for (int i = 0; i < 20'000; ++i) value += get(1) + get(0) + "R";
  expect_refused(value + "e", "holds more than 4000000 values");
}

TEST_F(PytorchCheckpoint, StackMarksMemoAndValuesAreHeldToTheFilesSize) {
  using namespace pickle;
  const auto error = [](const std::function<std::string(int)>& part) {
    std::string bytes = "\x80\x02N";
    for (int i = 0; i < 12'000; ++i) bytes += part(i);
    return error_of([&] {
      PickleInput input(bytes + ".", "small.pt", 4096);  // as if unpacked from a file of 4 kB
      read_pickle(input);
    });
  };
  EXPECT_EQ(error([](int) { return "N0"; }), "small.pt holds more than 10000 values");
  EXPECT_TRUE(contains(error([](int) { return "2"; }), "small.pt")) << "DUP";
  EXPECT_TRUE(contains(error([](int) { return "2"; }), "more than 10000 values at once")) << "DUP";
  EXPECT_TRUE(contains(error([](int) { return "q\1h\1"; }), "more than 10000 values at once")) << "BINGET";
  EXPECT_TRUE(contains(error([](int) { return "("; }), "more than 10000 open marks"));
  EXPECT_TRUE(contains(error([](int i) { return "r" + bytes(static_cast<std::uint64_t>(i), 4); }),
                       "more than 10000 stored values"));
}

TEST_F(PytorchCheckpoint, PackedPicklesAreHeldToTheFilesSize) {
  // 2 MB of DUP in a file of 2 kB.
  const std::filesystem::path path =
      write_packed_zip(folder_ / "bomb.pt", "archive/data.pkl", "\x80\x02}" + std::string(2'000'000, '2') + ".");
  EXPECT_LT(std::filesystem::file_size(path), 4096U);
  EXPECT_TRUE(throws_error([&] { read_pytorch_checkpoint(path); },
                           "entry \"archive/data.pkl\" claims 2000004 bytes, expected at most 1048576"));
}

TEST_F(PytorchCheckpoint, TensorsBeyondTheMemoryLimitAreRefused) {
  const MemoryLimit limit(1'000'000);
  using namespace pickle;
  const std::string value = tensor(storage("0", 300'000), 0, {300'000}, {1});
  const std::filesystem::path path = write_packed_zip(folder_ / "large.pt", "archive/data.pkl", whole(value),
                                                      "archive/data/0", std::string(1'200'000, '\0'));
  EXPECT_LT(std::filesystem::file_size(path), 8192U);
  EXPECT_TRUE(throws_error([&] { read_pytorch_checkpoint(path); }, "needs 1200000 bytes, more than the memory limit"));
}

TEST_F(PytorchCheckpoint, RefusesDamagedPickles) {
  using namespace pickle;
  expect_refused("0", "takes a value where there is none");
  expect_refused("K\1(0t", "takes a value where there is none");
  expect_refused("t", "looks for a mark where there is none");
  expect_refused("h\x07", "recalls value 7, which it has not stored");
  expect_refused("K\1K\2a", "adds to something that is not a list");
  expect_refused("K\1K\2K\3s", "adds to something that is not a dictionary");
  expect_refused("}(K\1u", "a dictionary's key has no value");
  expect_refused("K\1Q", "a storage's identity is damaged");
  expect_refused("\x80\x06", "is of pickle protocol 6, expected at most 5");
  expect_refused("", "takes a value where there is none");
  expect_refused("\xff", "operation 0xff");
  expect_refused(call(global("torch._utils", "_rebuild_tensor_v2"), {text("x")}), "a tensor has no storage");
  expect_refused(call(global("torch._utils", "_rebuild_parameter"), {text("x")}), "a parameter has no tensor");
  expect_refused(call(global("collections", "OrderedDict"), {text("x")}), "a dictionary's items are none");
  const std::string one = tensor(storage("0", 4), 0, {1}, {1});
  expect_refused(dictionary({{"a", dictionary({{"b", one}})}, {"a.b", one}}), "two tensors named \"a.b\"");
  expect_refused("}(N" + one + "u", "key is neither text nor a number");
  expect_refused(dictionary({{std::string(2000, 'x'), one}}), "a name of 2000 bytes");
}

TEST_F(PytorchCheckpoint, ReadsPythonTwosOrderedDictionary) {
  using namespace pickle;
  const std::string pairs = "](](" + text("x") + tensor(storage("0", 4), 0, {4}, {1}) + "ee";
  const NamedTensors tensors = read(call(global("collections", "OrderedDict"), {pairs}));
  ASSERT_EQ(tensors.size(), 1u);
  EXPECT_EQ(tensors[0].first, "x");
}

TEST_F(PytorchCheckpoint, RefusesForeignFiles) {
  EXPECT_TRUE(throws_error([&] { read_pytorch_checkpoint(folder_ / "none.pt"); }, "No such file"));
  EXPECT_TRUE(
      throws_error([&] { read_pytorch_checkpoint(folder_.write("a.pt", "")); }, "a.pt is not a PyTorch checkpoint"));
  EXPECT_TRUE(throws_error([&] { read_pytorch_checkpoint(folder_.write("a.pt", pickle::whole("K\1"))); },
                           "a.pt is not a PyTorch checkpoint"));
  EXPECT_TRUE(throws_error([&] { read_pytorch_checkpoint(pytorch_sample("numpy.npz")); }, "it holds no data.pkl"));
  EXPECT_FALSE(is_pytorch_checkpoint(folder_.write("a.pt", "")));
  EXPECT_FALSE(is_pytorch_checkpoint(folder_.write("a.pt", "\x80\x02K\1.")));
}

TEST_F(PytorchCheckpoint, RefusesBigEndianFiles) {
  const std::string pickled = pickle::whole(pickle::dictionary({}));
  ZipWriter writer(folder_ / "a.pt");
  writer.add("archive/data.pkl", {std::as_bytes(std::span(pickled))});
  writer.add("archive/byteorder", {std::as_bytes(std::span(std::string_view("big")))});
  writer.commit();
  EXPECT_TRUE(throws_error([&] { read_pytorch_checkpoint(folder_ / "a.pt"); }, "written on a big-endian machine"));
}

}  // namespace
}  // namespace iddpm
