#include "iddpm/interchange/onnx_export.h"

#include <cstdlib>

#include "iddpm/interchange/onnx_graph.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/model/model.h"
#include "tests/golden_case.h"
#include "tests/nn/small_networks.h"
#include "tests/temporary_folder.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

constexpr double runtime_tolerance = 1e-4;

bool built_with_onnx() {
  return error_of([] { OnnxGraph graph; }).empty();
}

// ONNX Runtime's node package, wherever node finds it (NODE_PATH).
bool has_onnx_runtime() { return std::system("node -e \"require('onnxruntime-node')\" > /dev/null 2>&1") == 0; }

std::string extents_of(const Tensor& tensor) {
  std::string text;
  for (const std::int64_t extent : tensor.sizes()) text += (text.empty() ? "" : ",") + std::to_string(extent);
  return text;
}

// The output of the network in the file, by ONNX Runtime.
Tensor output_by_runtime(const TemporaryFolder& folder, const std::string& model,
                         const std::vector<std::pair<std::string, Tensor>>& inputs, at::IntArrayRef shape) {
  std::string command = std::string("node ") + IDDPM_SOURCE_DIR + "/tests/interchange/run_onnx.js " +
                        (folder / model).string() + " " + (folder / "output").string();
  for (const auto& [name, tensor] : inputs) {
    const Tensor values = tensor.contiguous();
    folder.write(name, {static_cast<const char*>(values.data_ptr()), values.nbytes()});
    const char* type = values.scalar_type() == at::kLong ? "int64" : "float32";
    command += " " + name + " " + type + " " + (folder / name).string() + " " + extents_of(values);
  }
  EXPECT_EQ(std::system(command.c_str()), 0);
  const std::string bytes = read_file(folder / "output");
  Tensor output = at::empty(shape, at::kFloat);
  EXPECT_EQ(bytes.size(), output.nbytes());
  if (bytes.size() == output.nbytes()) std::memcpy(output.data_ptr(), bytes.data(), bytes.size());
  return output;
}

fs::path saved_network(const TemporaryFolder& folder, const UNet& network) {
  DiffusionSettings diffusion;
  if (!network.options().predict_variance) {
    diffusion.variance = Variance::fixed_large;
    diffusion.objective = Objective::simple;
  }
  save_checkpoint(folder / "model.safetensors", {.settings = {.network = network.options(), .diffusion = diffusion}},
                  {.raw = network.parameters()});
  return folder / "model.safetensors";
}

void expect_the_runtime_to_agree(UNetOptions options, bool with_low_resolution = false) {
  const at::NoGradGuard no_gradient;
  const TemporaryFolder folder("onnx");
  const UNet network = random_unet(options);
  export_to_onnx(Checkpoint(saved_network(folder, network)), {}, folder / "model.onnx");
  const Tensor x = random_tensor({3, 3, 8, 8}, 5), t = at::tensor({0.0F, 17.25F, 999.0F});
  std::vector<std::pair<std::string, Tensor>> inputs = {{"x", x}, {"t", t}};
  Condition condition;
  if (options.classes > 0) {
    condition.y = at::tensor(std::vector<std::int64_t>{1, 0, no_class}, at::kLong);
    inputs.emplace_back("y", condition.y);
  }
  if (with_low_resolution) {
    condition.low_resolution = random_tensor({3, 3, 4, 4}, 6);
    inputs.emplace_back("low_resolution", condition.low_resolution);
  }
  const Tensor expected = network(x, t, condition);
  const Tensor output = output_by_runtime(folder, "model.onnx", inputs, expected.sizes());
  EXPECT_TRUE(all_close(output, expected, runtime_tolerance * expected.abs().max().item<double>(), 0.0));
}

}  // namespace

TEST(OnnxExport, OnnxRuntimeComputesTheSame) {
  if (!built_with_onnx()) GTEST_SKIP() << "built without libonnx";
  if (!has_onnx_runtime()) GTEST_SKIP() << "node finds no onnxruntime-node";
  expect_the_runtime_to_agree(small_options());
  UNetOptions guided = small_options();
  guided.residual_resampling = true;
  guided.qkv_order = kernels::QkvOrder::qkv_first;
  guided.scale_shift_norm = false;
  guided.classes = 4;
  guided.predict_variance = false;
  expect_the_runtime_to_agree(guided);
  UNetOptions of_diffusers = small_options();
  of_diffusers.norm_groups = 16;
  of_diffusers.norm_epsilon = 1e-3;
  of_diffusers.frequency_shift = 1;
  of_diffusers.downsampling_pads_low_edges = true;
  of_diffusers.middle_attention = MiddleAttention::not_normalized;
  of_diffusers.middle_divisor = 1.5;
  of_diffusers.center_input = true;
  of_diffusers.attention_upsample = {8};
  expect_the_runtime_to_agree(of_diffusers);
  UNetOptions averaging = small_options();
  averaging.convolutional_resampling = false;
  expect_the_runtime_to_agree(averaging);
  for (const PatchTransform transform : {PatchTransform::unshuffle, PatchTransform::haar}) {
    UNetOptions patches = small_options();
    patches.patch_size = 2;
    patches.patch_transform = transform;
    patches.attention_resolutions = {2};
    expect_the_runtime_to_agree(patches);
  }
  UNetOptions enlarging = small_options();
  enlarging.super_resolution = true;
  enlarging.low_resolution = 4;
  expect_the_runtime_to_agree(enlarging, /*with_low_resolution=*/true);
}

TEST(OnnxExport, HoldsTheModelsSettings) {
  if (!built_with_onnx()) GTEST_SKIP() << "built without libonnx";
  const TemporaryFolder folder("settings");
  export_to_onnx(Checkpoint(saved_network(folder, random_unet(small_options()))), {}, folder / "model.onnx");
  const std::string file = read_file(folder / "model.onnx");
  EXPECT_TRUE(contains(file, "\"schedule\":\"cosine\""));
  EXPECT_TRUE(contains(file, "InstanceNormalization"));
}

TEST(OnnxExport, WithoutTheLibraryItSaysSo) {
  if (built_with_onnx()) GTEST_SKIP() << "built with libonnx";
  const TemporaryFolder folder("without");
  const fs::path model = saved_network(folder, random_unet(small_options()));
  expect_error([&] { export_to_onnx(Checkpoint(model), {}, folder / "model.onnx"); }, {"libonnx-dev"});
  EXPECT_FALSE(fs::exists(folder / "model.onnx"));
}

}  // namespace iddpm
