#include <fstream>

#include "iddpm/core/random_stream.h"
#include "iddpm/diffusion/respacing.h"
#include "iddpm/io/zip_writer.h"
#include "iddpm/model/diffusers/folder.h"
#include "iddpm/model/diffusers/scheduler_config.h"
#include "iddpm/model/diffusers/unet_config.h"
#include "iddpm/model/diffusers/weight_names.h"
#include "iddpm/model/model.h"
#include "iddpm/model/run_folder.h"
#include "tests/expect_error.h"
#include "tests/io/pickle_samples.h"
#include "tests/temporary_folder.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// A network of one level with attention, and one without.
json small_config() {
  return {{"_class_name", "UNet2DModel"},
          {"_diffusers_version", "0.1.1"},
          {"sample_size", 8},
          {"in_channels", 3},
          {"out_channels", 3},
          {"block_out_channels", {8, 16}},
          {"down_block_types", {"DownBlock2D", "AttnDownBlock2D"}},
          {"up_block_types", {"AttnUpBlock2D", "UpBlock2D"}},
          {"layers_per_block", 1},
          {"norm_num_groups", 4},
          {"attention_head_dim", 8}};
}

json small_scheduler() { return {{"_class_name", "DDPMScheduler"}, {"num_train_timesteps", 100}}; }

NamedTensors random_weights(const json& config) {
  const UNetOptions options = diffusers::read_unet_config(config, "config").options;
  NamedTensors ours;
  std::uint64_t seed = 1;
  for (const auto& [name, shape] : UNet::parameter_shapes(options)) {
    Tensor tensor = at::empty(shape, at::kFloat);
    RandomStream(seed++, StreamPurpose::evaluation)
        .fill_normal({tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())});
    ours.emplace_back(name, tensor.mul_(0.3));
  }
  return diffusers::their_weights(options, ours);
}

struct SavedPipeline {
  json index = {{"_class_name", "DDPMPipeline"},
                {"unet", {"diffusers", "UNet2DModel"}},
                {"scheduler", {"diffusers", "DDPMScheduler"}}};
  json config = small_config();
  json scheduler = small_scheduler();
  bool flat = false;

  void save(const TemporaryFolder& folder, const NamedTensors& weights) const {
    const std::string unet = flat ? "" : "unet/";
    folder.write("model_index.json", index.dump());
    folder.write(unet + "config.json", config.dump());
    folder.write(flat ? "scheduler_config.json" : "scheduler/scheduler_config.json", scheduler.dump());
    write_safetensors(folder / (unet + "diffusion_pytorch_model.safetensors"), weights);
  }
};

Tensor output_of_pipeline(const fs::path& path) {
  const at::NoGradGuard no_gradient;
  const Model model = Model::open(path, {.device = at::Device(at::kCPU), .precision = Precision::float32});
  const Tensor x = at::linspace(-1, 1, 3 * 8 * 8).view({1, 3, 8, 8});
  return model.network()(x, at::tensor({42}, at::kLong));
}

TEST(DiffusersFolder, IsReadWhicheverWayItIsLaidOut) {
  const NamedTensors weights = random_weights(small_config());
  const TemporaryFolder nested("nested"), flat("flat");
  SavedPipeline pipeline;
  pipeline.save(nested, weights);
  pipeline.flat = true;
  pipeline.save(flat, weights);
  const Tensor expected = output_of_pipeline(nested.path());
  EXPECT_TRUE(at::equal(output_of_pipeline(flat.path()), expected));
  EXPECT_TRUE(at::equal(output_of_pipeline(nested / "unet"), expected));
  EXPECT_TRUE(at::equal(output_of_pipeline(nested / "unet/diffusion_pytorch_model.safetensors"), expected));
}

TEST(DiffusersFolder, TheFirstVersionsNamesOfAttentionAreRead) {
  const NamedTensors weights = random_weights(small_config());
  NamedTensors older = weights;
  for (auto& [name, tensor] : older) {
    for (const auto& [now, before] : {std::pair<std::string, std::string>(".to_q.", ".query."),
                                      {".to_k.", ".key."},
                                      {".to_v.", ".value."},
                                      {".to_out.0.", ".proj_attn."}}) {
      const std::size_t place = name.find(now);
      if (place != std::string::npos) name.replace(place, now.size(), before);
    }
  }
  const TemporaryFolder present("present"), past("past");
  SavedPipeline().save(present, weights);
  SavedPipeline().save(past, older);
  EXPECT_TRUE(at::equal(output_of_pipeline(past.path()), output_of_pipeline(present.path())));
}

TEST(DiffusersFolder, SinesFirstIsTheSameNetworkWithOtherColumns) {
  const NamedTensors weights = random_weights(small_config());
  NamedTensors exchanged = weights;
  for (auto& [name, tensor] : exchanged) {
    if (name == "time_embedding.linear_1.weight") tensor = at::cat({tensor.slice(1, 4), tensor.slice(1, 0, 4)}, 1);
  }
  const TemporaryFolder cosines("cosines"), sines("sines");
  SavedPipeline pipeline;
  pipeline.save(cosines, weights);
  pipeline.config["flip_sin_to_cos"] = false;
  pipeline.save(sines, exchanged);
  EXPECT_TRUE(at::equal(output_of_pipeline(sines.path()), output_of_pipeline(cosines.path())));
}

TEST(DiffusersFolder, WeightsThatDoNotFitAreCountedAndTheFirstNamed) {
  NamedTensors weights = random_weights(small_config());
  std::erase_if(weights, [](const auto& weight) { return weight.first.starts_with("mid_block.resnets.0.conv"); });
  weights.emplace_back("stranger", at::zeros({1}));
  const TemporaryFolder folder("misfit");
  SavedPipeline().save(folder, weights);
  expect_error([&] { (void)Checkpoint(find_checkpoint(folder.path())); },
               {"diffusion_pytorch_model.safetensors", "4 missing", "mid_block.resnets.0.conv1.bias", "1 unexpected",
                "stranger"});
}

TEST(DiffusersFolder, ABinaryWithCodeInItIsRefusedAndNothingOfItIsExecuted) {
  const TemporaryFolder folder("code");
  SavedPipeline().save(folder, random_weights(small_config()));
  fs::remove(folder / "unet/diffusion_pytorch_model.safetensors");
  const std::string code = pickle::whole(pickle::call(pickle::global("os", "system"), {pickle::text("true")}));
  ZipWriter writer(folder / "unet/diffusion_pytorch_model.bin");
  writer.add("archive/data.pkl", {std::as_bytes(std::span(code))});
  writer.commit();
  expect_error([&] { (void)Checkpoint(find_checkpoint(folder.path())); }, {"os.system", "nothing of the file"});
}

TEST(DiffusersFolder, OtherKindsOfModelsAreNamed) {
  const auto refused = [](json index, const std::vector<std::string>& parts) {
    const TemporaryFolder folder("other");
    folder.write("model_index.json", index.dump());
    expect_error([&] { (void)find_checkpoint(folder.path()); }, parts);
  };
  refused({{"_class_name", "LDMPipeline"}, {"vqvae", {"diffusers", "VQModel"}}}, {"latent diffusion", "LDMPipeline"});
  refused({{"_class_name", "StableDiffusionPipeline"}, {"vae", {"a", "b"}}, {"text_encoder", {"a", "b"}}},
          {"text-to-image", "StableDiffusionPipeline"});
  refused({{"_class_name", "ScoreSdeVePipeline"}}, {"another process", "ScoreSdeVePipeline"});
  refused({{"_class_name", "DDPMPipeline"}, {"unet", {"diffusers", "UNet1DModel"}}}, {"UNet1DModel", "UNet2DModel"});
  const TemporaryFolder words("words");
  words.write("config.json", R"({"architectures": ["BertModel"]})");
  expect_error([&] { (void)find_checkpoint(words.path()); }, {"transformers", "BertModel"});
}

TEST(DiffusersFolder, WithoutASchedulerNobodyKnowsTheNoise) {
  const TemporaryFolder folder("no-scheduler");
  SavedPipeline().save(folder, random_weights(small_config()));
  fs::remove_all(folder / "scheduler");
  expect_error([&] { (void)Checkpoint(find_checkpoint(folder.path())); }, {"scheduler_config.json", "noise"});
}

TEST(DiffusersUNetConfig, EachSettingIsAnOptionOfOurs) {
  json config = small_config();
  config.update({{"freq_shift", 1},
                 {"downsample_padding", 0},
                 {"norm_eps", 1e-6},
                 {"center_input_sample", true},
                 {"mid_block_scale_factor", 2},
                 {"out_channels", 6},
                 {"num_class_embeds", 5},
                 {"resnet_time_scale_shift", "scale_shift"},
                 {"up_block_types", {"UpBlock2D", "UpBlock2D"}},
                 {"attention_head_dim", nullptr}});
  const UNetOptions options = diffusers::read_unet_config(config, "config").options;
  EXPECT_EQ(options.frequency_shift, 1);
  EXPECT_TRUE(options.downsampling_pads_low_edges);
  EXPECT_EQ(options.norm_epsilon, 1e-6);
  EXPECT_EQ(options.norm_groups, 4);
  EXPECT_TRUE(options.center_input);
  EXPECT_EQ(options.middle_divisor, 2);
  EXPECT_TRUE(options.predict_variance);
  EXPECT_EQ(options.classes, 5);
  EXPECT_TRUE(options.scale_shift_norm);
  EXPECT_EQ(options.middle_attention, MiddleAttention::not_normalized);
  EXPECT_EQ(options.attention_resolutions, std::vector<std::int64_t>{4});
  EXPECT_EQ(options.attention_upsample, std::vector<std::int64_t>{0});
  EXPECT_EQ(options.head_channels, 0);
  EXPECT_EQ(options.heads, 1);
  config["add_attention"] = false;
  EXPECT_EQ(diffusers::read_unet_config(config, "config").options.middle_attention, MiddleAttention::none);
}

TEST(DiffusersUNetConfig, WhatCannotBeExpressedIsRefusedByName) {
  const auto refused = [](const char* name, const json& value, const std::vector<std::string>& parts) {
    json config = small_config();
    config[name] = value;
    SCOPED_TRACE(name);
    expect_error([&] { (void)diffusers::read_unet_config(config, "net/config.json"); }, parts);
  };
  refused("time_embedding_type", "fourier", {"net/config.json", "time_embedding_type", "fourier"});
  refused("class_embed_type", "timestep", {"class_embed_type", "timestep"});
  refused("act_fn", "gelu", {"act_fn", "gelu", "silu"});
  refused("mid_block_type", nullptr, {"middle block"});
  refused("down_block_types", {"DownBlock2D", "SkipDownBlock2D"}, {"SkipDownBlock2D"});
  refused("down_block_types", {"DownBlock2D"}, {"down_block_types 1"});
  refused("time_embedding_dim", 64, {"time_embedding_dim", "64"});
  refused("in_channels", 6, {"6 channels"});
  refused("sample_size", nullptr, {"sample_size"});
  refused("block_out_channels", {8, -1}, {"block_out_channels", "-1"});
  refused("block_out_channels", json::array(), {"block_out_channels", "0 entries"});
  refused("attention_head_dim", 5, {"head_channels is 5"});
  refused("a_setting_of_tomorrow", 3, {"a_setting_of_tomorrow"});
  refused("norm_num_groups", 3, {"net/config.json", "multiple"});
}

TEST(DiffusersSchedulerConfig, GivesTheProcess) {
  const auto read = [](const json& config, bool learned = false) {
    return diffusers::read_scheduler_config(config, learned, "scheduler");
  };
  const DiffusionSettings plain = read(json::object()).diffusion;
  EXPECT_EQ(plain.schedule, "linear");
  EXPECT_EQ(plain.steps, 1000);
  EXPECT_EQ(plain.variance, Variance::fixed_small);
  EXPECT_EQ(plain.clip_x_0, 1.0);
  EXPECT_FALSE(plain.rescale_timesteps);
  const DiffusionSettings other = read({{"beta_schedule", "scaled_linear"},
                                        {"beta_start", 0.00085},
                                        {"beta_end", 0.012},
                                        {"num_train_timesteps", 500},
                                        {"prediction_type", "v_prediction"},
                                        {"variance_type", "learned_range"},
                                        {"clip_sample_range", 2.5},
                                        {"rescale_betas_zero_snr", true}},
                                       true)
                                      .diffusion;
  EXPECT_EQ(other.mean, Mean::velocity);
  EXPECT_EQ(other.variance, Variance::learned_range);
  EXPECT_EQ(other.clip_x_0, 2.5);
  EXPECT_TRUE(other.zero_terminal_snr);
  EXPECT_NEAR(forward_process(other).schedule().beta[1], std::pow(0.0291547594742265 + 0.0803917504 / 499, 2), 1e-3);
  EXPECT_EQ(read({{"clip_sample", false}}).diffusion.clip_x_0, 0);
  EXPECT_EQ(read({{"predict_epsilon", false}}).diffusion.mean, Mean::x_0);
  EXPECT_EQ(read({{"_class_name", "DDIMScheduler"}, {"steps_offset", 1}}).sampling,
            "--sampler ddim --steps leading50+1");
  EXPECT_EQ(read({{"_class_name", "DDIMScheduler"}, {"set_alpha_to_one", false}}).sampling, "");
  EXPECT_EQ(read({{"timestep_spacing", "trailing"}}).sampling, "--sampler ancestral --steps trailing1000");
  expect_error([&] { read({{"beta_schedule", "laplace"}}); }, {"beta_schedule", "laplace"});
  expect_error([&] { read({{"_class_name", "ScoreSdeVeScheduler"}}); }, {"ScoreSdeVeScheduler"});
  expect_error([&] { read({{"variance_type", "learned_range"}}); }, {"variance_type", "doesn't predict"});
  expect_error([&] { read({{"trained_betas", {0.1, 0.2}}}); }, {"trained_betas"});
  expect_error([&] { read({{"num_train_timesteps", "many"}}); }, {"num_train_timesteps", "many"});
}

TEST(DiffusersSchedulerConfig, PythonsBareWordsAreRead) {
  const TemporaryFolder folder("bare");
  const fs::path file = folder.write("scheduler_config.json", R"({"lambda_min_clipped": -Infinity, "a": "-Infinity"})");
  const json read = diffusers::read_config(file);
  EXPECT_TRUE(read.at("lambda_min_clipped").is_null());
  EXPECT_EQ(read.at("a"), "-Infinity");
}

TEST(DiffusersSchedulerConfig, LeadingTimestepsMayHaveAnOffset) {
  EXPECT_EQ(respaced_timesteps(1000, "leading4+1"), (std::vector<std::int64_t>{1, 251, 501, 751}));
  expect_error([] { respaced_timesteps(1000, "leading1000+1"); }, {"leading1000+1", "1000"});
  expect_error([] { respaced_timesteps(1000, "leading4+x"); }, {"leading4+x", "offset"});
}

}  // namespace
}  // namespace iddpm
