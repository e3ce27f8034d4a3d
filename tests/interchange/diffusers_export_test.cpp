#include "iddpm/interchange/diffusers_export.h"

#include "iddpm/io/atomic_file.h"
#include "iddpm/model/model.h"
#include "iddpm/model/run_folder.h"
#include "tests/nn/small_networks.h"
#include "tests/temporary_folder.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

// A model of random weights, saved.
fs::path saved_model(const TemporaryFolder& folder, const UNetOptions& network, DiffusionSettings diffusion) {
  const UNet random = random_unet(network);
  const fs::path path = folder / "model.safetensors";
  save_checkpoint(path, {.settings = {.network = random.options(), .diffusion = std::move(diffusion)}},
                  {.raw = random.parameters()});
  return path;
}

Tensor output_of(const fs::path& path) {
  const at::NoGradGuard no_gradient;
  const Model model = Model::open(path, {.device = at::Device(at::kCPU), .precision = Precision::float32});
  Condition condition;
  if (model.has_classes()) condition.y = at::tensor({1, 0}, at::kLong);
  return model.network()(random_tensor({2, 3, 8, 8}, 3), at::tensor({7, 700}, at::kLong), condition);
}

const DiffusionSettings fixed = {.schedule = "linear",
                                 .steps = 1000,
                                 .variance = Variance::fixed_large,
                                 .rescale_timesteps = false,
                                 .objective = Objective::simple};
const DiffusionSettings learned = {.schedule = "cosine", .steps = 500, .rescale_timesteps = false};

UNetOptions exportable() {
  UNetOptions options = small_options();
  options.heads = 4;
  options.head_channels = 16;
  options.predict_variance = false;
  return options;
}

void expect_the_same_read_back(const UNetOptions& network, const DiffusionSettings& diffusion) {
  const TemporaryFolder folder("export");
  const fs::path model = saved_model(folder, network, diffusion);
  export_to_diffusers(Checkpoint(model), {}, folder / "out");
  EXPECT_TRUE(at::equal(output_of(folder / "out"), output_of(model)));
  const Checkpoint read(find_checkpoint(folder / "out"));
  EXPECT_EQ(read.info().settings.diffusion, diffusion);
}

}  // namespace

TEST(DiffusersExport, IsReadBackWithTheSameOutputs) {
  expect_the_same_read_back(exportable(), fixed);
  UNetOptions other = exportable();
  other.qkv_order = kernels::QkvOrder::qkv_first;
  other.predict_variance = true;
  other.classes = 3;
  other.attention_upsample = {8};
  other.norm_groups = 16;
  other.norm_epsilon = 1e-6;
  other.frequency_shift = 1;
  other.downsampling_pads_low_edges = true;
  other.middle_attention = MiddleAttention::not_normalized;
  other.middle_divisor = 1.5;
  other.center_input = true;
  expect_the_same_read_back(other, learned);
  UNetOptions guided = exportable();
  guided.residual_resampling = true;
  guided.scale_shift_norm = false;
  guided.middle_attention = MiddleAttention::none;
  expect_the_same_read_back(guided, fixed);
}

TEST(DiffusersExport, HasAModelCardWithTheHubsMetadata) {
  const TemporaryFolder folder("card");
  const fs::path model = saved_model(folder, exportable(), fixed);
  export_to_diffusers(Checkpoint(model), {}, folder / "out");
  const std::string card = read_file(folder / "out/README.md");
  EXPECT_TRUE(card.starts_with("---\nlibrary_name: diffusers\n")) << card;
  EXPECT_TRUE(contains(card, "pipeline_tag: unconditional-image-generation")) << card;
  EXPECT_TRUE(contains(card, "8 x 8")) << card;
}

TEST(DiffusersExport, WhatCannotBeExpressedIsRefusedBeforeAnythingIsWritten) {
  const auto refused = [](const UNetOptions& network, const DiffusionSettings& diffusion,
                          const std::vector<std::string>& parts) {
    const TemporaryFolder folder("refused");
    const fs::path model = saved_model(folder, network, diffusion);
    expect_error([&] { export_to_diffusers(Checkpoint(model), {}, folder / "out"); }, parts);
    EXPECT_FALSE(fs::exists(folder / "out"));
  };
  UNetOptions two_widths = exportable();
  two_widths.head_channels = 0;
  two_widths.attention_resolutions = {8, 4};
  refused(two_widths, fixed, {"attention_head_dim", "8, 16"});
  UNetOptions averaging = exportable();
  averaging.convolutional_resampling = false;
  refused(averaging, fixed, {"convolutional_resampling"});
  DiffusionSettings rescaled = learned;
  rescaled.rescale_timesteps = true;
  UNetOptions predicting = exportable();
  predicting.predict_variance = true;
  refused(predicting, rescaled, {"rescale_timesteps", "500"});
  UNetOptions patches = exportable();
  patches.patch_size = 2;
  patches.attention_resolutions = {2};
  refused(patches, fixed, {"patch_size is 2"});
  DiffusionSettings previous = fixed;
  previous.mean = Mean::previous_x;
  refused(exportable(), previous, {"previous_x"});
}

}  // namespace iddpm
