// iddpm benchmark: how fast this machine is.

#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>

#include "cli/commands.h"
#include "cli/dry_run.h"
#include "cli/operation_breakdown.h"
#include "cli/options/compute_options.h"
#include "cli/options/effect.h"
#include "cli/options/model_options.h"
#include "cli/options/open_model.h"
#include "cli/options/output_file.h"
#include "cli/options/values.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/machine_peak.h"
#include "cli/terminal/printed_json.h"
#include "iddpm/core/error.h"
#include "iddpm/core/random_stream.h"
#include "iddpm/io/npz.h"
#include "iddpm/model/inference_memory.h"
#include "iddpm/model/low_resolution.h"
#include "iddpm/model/model.h"
#include "iddpm/nn/network_statistics.h"
#include "iddpm/training/trainer.h"
#include "iddpm/training/training_memory.h"
#include "iddpm/version.h"

namespace iddpm::cli {
namespace {

struct BenchmarkArguments {
  ModelOptions model;
  ComputeOptions compute;
  std::int64_t batch = 8;
  int repetitions = 5;
  bool forward_only = false;
  bool train_only = false;
  bool breakdown = false;
  bool json = false;
  bool overwrite = false;
  std::filesystem::path checkpoint;
  std::filesystem::path inputs;
  std::filesystem::path outputs;
};

template <typename Work>
double median_seconds(int repetitions, const Work& work) {
  work();  // the first time sets everything up
  std::vector<double> seconds;
  for (int i = 0; i < repetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(seconds.begin(), seconds.end());
  const std::size_t middle = seconds.size() / 2;
  return seconds.size() % 2 == 1 ? seconds[middle] : (seconds[middle - 1] + seconds[middle]) / 2;
}

struct Inputs {
  Batch batch;
  Tensor t;
  ShownLowResolution low_resolution = {};  // of a network of super-resolution
};

ShownLowResolution without_noise(const Tensor& images, const UNetOptions& network) {
  return shown_with_noise(low_resolution_of(images, network), network, 0.0, {});
}

Condition condition_of(const Inputs& inputs) {
  return {.y = inputs.batch.y,
          .low_resolution = inputs.low_resolution.images,
          .low_resolution_noise = inputs.low_resolution.noise};
}

Inputs random_inputs(const UNetOptions& network, std::int64_t batch, at::Device device) {
  std::vector<RandomStream> streams;
  for (std::int64_t i = 0; i < batch; ++i)
    streams.emplace_back(0, StreamPurpose::evaluation, static_cast<std::uint64_t>(i));
  Inputs inputs;
  inputs.batch.x_0 =
      normal_per_image(streams, {network.image_channels, network.image_height, network.image_width}, device)
          .clamp(-1, 1);
  if (network.classes > 0)
    inputs.batch.y = at::arange(batch, at::TensorOptions(at::kLong).device(device)).remainder(network.classes);
  inputs.t = at::arange(batch, at::TensorOptions(at::kLong).device(device)) * (1000 / batch);
  if (network.super_resolution) inputs.low_resolution = without_noise(inputs.batch.x_0, network);
  return inputs;
}

// x [N, C, H, W], t [N] and, for networks with classes, y [N], so that other programs can be given the same.
Inputs read_inputs(const std::filesystem::path& path, const UNetOptions& network, at::Device device) {
  const NamedTensors arrays = read_npz(path);
  const auto find = [&](const std::string& name) {
    for (const auto& [key, array] : arrays) {
      if (key == name) return array.to(device);
    }
    fail("--inputs: '{}' holds no array {}; expected x, t{}", path.string(), name, network.classes > 0 ? " and y" : "");
  };
  Inputs inputs;
  inputs.batch.x_0 = find("x").to(at::kFloat);
  inputs.t = find("t");
  if (network.classes > 0) inputs.batch.y = find("y").to(at::kLong);
  if (network.super_resolution) inputs.low_resolution = without_noise(inputs.batch.x_0, network);
  return inputs;
}

void write_outputs(const std::filesystem::path& path, const UNet& network, const Inputs& inputs) {
  const at::NoGradGuard no_gradient;
  const Tensor output = network(inputs.batch.x_0, inputs.t, condition_of(inputs));
  write_npz(path, {{"output", output.to(at::kCPU, at::kFloat).contiguous()}});
}

void forward_pass(const UNet& network, const Inputs& inputs) {
  const at::NoGradGuard no_gradient;
  const Tensor y = network(inputs.batch.x_0, inputs.t, condition_of(inputs));
  (void)y[0][0][0][0].item<float>();  // waits for the device
}

void training_step(Trainer& trainer, const Inputs& inputs) {
  Batch batch = inputs.batch;
  batch.first_example = trainer.examples_seen();
  trainer.step(batch);
}

std::string table(const nlohmann::json& result) {
  std::string text = fmt::format("{} parameters, {:.2f} GFLOP per image, batch {}, {}, {} threads\n",
                                 format_count(result["parameters"]), result["gflop_per_image"].get<double>(),
                                 result["batch"].get<std::int64_t>(), result["precision"].get<std::string>(),
                                 result["threads"].get<int>());
  const double peak = result["peak_gflops"];
  text += fmt::format("{:<10} {:>12} {:>12} {:>12} {:>14}\n", "", "seconds", "images/s", "GFLOP/s", "share of peak");
  for (const char* what : {"forward", "train"}) {
    if (!result.contains(std::string(what) + "_seconds")) continue;
    const double gflops = result[std::string(what) + "_gflops"];
    text += fmt::format("{:<10} {:>12.4f} {:>12.1f} {:>12.1f} {:>13.0f}%\n", what,
                        result[std::string(what) + "_seconds"].get<double>(),
                        result[std::string(what) + "_images_per_second"].get<double>(), gflops, 100 * gflops / peak);
  }
  for (const char* what : {"forward", "train"}) {
    const std::string key = std::string(what) + "_breakdown";
    if (result.contains(key)) text += fmt::format("\n{}\n{}\n", what, breakdown_table(result[key]));
  }
  text += fmt::format("Peak of this machine, measured: {:.0f} GFLOP/s. Largest memory: {}.\n", peak,
                      format_bytes(result["peak_memory_bytes"]));
  return text;
}

// Refuses a batch that can't fit before it is made.
void require_memory(const BenchmarkArguments& arguments, const Preset& preset, at::Device device) {
  if (arguments.forward_only) {
    require_inference_memory(preset.model.network, preset.training.precision, device, arguments.batch);
  } else if (device.is_cpu()) {
    require_training_memory(preset.model, preset.training, NetworkChange::impossible);
  }
}

// The model to measure: a checkpoint's, or a preset's with fresh weights.
Trainer make_trainer(const BenchmarkArguments& arguments, const Preset& preset, at::Device device) {
  if (arguments.checkpoint.empty()) return Trainer(preset.model, preset.training, device);
  return Trainer::from_checkpoint(Checkpoint(arguments.checkpoint), {.ema_rate = {}, .raw = true}, preset.training,
                                  device);
}

// The same without what training needs beside the weights.
UNet make_network(const BenchmarkArguments& arguments, const Preset& preset, at::Device device) {
  if (!arguments.checkpoint.empty()) {
    return Model::open(arguments.checkpoint,
                       {.weights = {.ema_rate = {}, .raw = true}, .device = device, .precision = Precision::float32})
        .network();
  }
  UNet network(preset.model.network);
  network.to(device);
  return network;
}

Preset measured_preset(const BenchmarkArguments& arguments) {
  Preset preset = chosen_preset(arguments.model, nullptr);
  if (!arguments.checkpoint.empty()) {
    preset.name = arguments.checkpoint.string();
    preset.model = Checkpoint(arguments.checkpoint).info().settings;
  }
  preset.training.precision = chosen_precision(arguments.compute);
  preset.training.microbatch = 0;
  if (preset.training.ema_rates.size() > 1) preset.training.ema_rates.resize(1);
  return preset;
}

// A checkpoint is what it is; only the network is of a forward pass.
void refuse_idle_settings(const CLI::App& verb, const BenchmarkArguments& arguments) {
  if (!arguments.checkpoint.empty()) {
    refuse_idle_but(
        verb,
        {"--checkpoint", "--batch", "--repetitions", "--forward-only", "--train-only", "--breakdown", "--json",
         "--inputs", "--outputs", "--overwrite", "--device", "--threads", "--precision", "--memory-limit"},
        "with --checkpoint, whose settings are its own");
  }
  if (!arguments.inputs.empty()) refuse_idle(verb, {"--batch"}, "with --inputs, which hold a batch");
  if (arguments.outputs.empty()) refuse_idle(verb, {"--overwrite"}, "without --outputs");
  refuse_idle(verb, {"--class-conditional"}, "without data; the preset says whether there are classes");
  if (arguments.forward_only) {
    refuse_idle(verb,
                {"--schedule", "--diffusion-steps", "--mean", "--objective", "--loss-weight", "--loss-weight-floor",
                 "--snr-limit", "--rescale-timesteps"},
                "with --forward-only, which trains nothing");
  }
}

void run_benchmark(const CLI::App& verb, BenchmarkArguments arguments) {
  refuse_idle_settings(verb, arguments);
  if (!arguments.checkpoint.empty()) arguments.checkpoint = find_model(arguments.checkpoint);
  check_output_file("--outputs", arguments.outputs, arguments.overwrite);
  apply_threads(arguments.compute);
  const at::Device device = chosen_device(arguments.compute);
  Preset preset = measured_preset(arguments);
  if (arguments.inputs.empty()) {
    preset.training.batch = arguments.batch;
    require_memory(arguments, preset, device);
  }
  const Inputs inputs = arguments.inputs.empty() ? random_inputs(preset.model.network, arguments.batch, device)
                                                 : read_inputs(arguments.inputs, preset.model.network, device);
  const std::int64_t batch_size = inputs.batch.x_0.size(0);
  preset.training.batch = batch_size;
  const at::ScalarType type = scalar_type(preset.training.precision);
  const double gflop = network_statistics(preset.model.network).forward.total();

  nlohmann::json result = {{"version", version},
                           {"preset", preset.name},
                           {"batch", batch_size},
                           {"precision", type == at::kBFloat16 ? "bfloat16" : "float32"},
                           {"threads", at::get_num_threads()},
                           {"device", device.str()},
                           {"gflop_per_image", gflop}};
  const auto measure = [&](const std::string& what, double work, const std::function<void()>& run) {
    const double seconds = median_seconds(arguments.repetitions, run);
    result[what + "_seconds"] = seconds;
    result[what + "_images_per_second"] = static_cast<double>(batch_size) / seconds;
    result[what + "_gflops"] = work * gflop * static_cast<double>(batch_size) / seconds;
    if (arguments.breakdown) result[what + "_breakdown"] = operation_breakdown(arguments.repetitions, run);
  };
  {
    std::optional<Trainer> trainer;
    if (!arguments.forward_only) trainer.emplace(make_trainer(arguments, preset, device));
    UNet network = trainer ? trainer->network() : make_network(arguments, preset, device);
    result["parameters"] = count(network.parameters());
    network.set_compute_type(type);
    if (!arguments.outputs.empty()) write_outputs(arguments.outputs, network, inputs);
    if (!arguments.train_only) measure("forward", 1, [&] { forward_pass(network, inputs); });
    // A step is one forward pass and about twice its arithmetic backwards.
    if (!arguments.forward_only) measure("train", 3, [&] { training_step(*trainer, inputs); });
  }
  result["peak_memory_bytes"] = peak_memory_bytes();
  result["peak_gflops"] = measured_peak_flops(type, device) / 1e9;
  for (const char* what : {"forward", "train"}) {
    const std::string key(what);
    if (result.contains(key + "_gflops")) {
      result[key + "_share_of_peak"] = result[key + "_gflops"].get<double>() / result["peak_gflops"].get<double>();
    }
  }
  print(arguments.json ? printed_json(result) : table(result));
}

}  // namespace

void add_benchmark(CLI::App& app) {
  auto arguments = std::make_shared<BenchmarkArguments>();
  CLI::App* verb = app.add_subcommand("benchmark", "Measure a network's speed on this machine");
  verb->footer(
      "Examples:\n"
      "  iddpm benchmark --preset cifar10 --batch 8\n"
      "  iddpm benchmark --preset small --batch 32 --precision float32 --threads 1\n"
      "  iddpm benchmark --preset small --channels 64 --json\n"
      "  iddpm benchmark --preset cifar10 --breakdown\n"
      "A training step is forward, loss, backward, AdamW and one EMA. Seconds are medians after one warm-up.");
  verb->add_option("--batch", arguments->batch, "Images at a time (8)")
      ->check(between(std::int64_t{1}, std::int64_t{1} << 20));
  verb->add_option("--repetitions", arguments->repetitions, "Measurements (5)")
      ->check(between(std::int64_t{1}, std::int64_t{1000}));
  auto* forward_only = verb->add_flag("--forward-only", arguments->forward_only, "No training step");
  verb->add_flag("--train-only", arguments->train_only, "No forward pass by itself")->excludes(forward_only);
  verb->add_flag("--breakdown", arguments->breakdown, "Say which operations the time goes to (of the fast CPU path)");
  verb->add_flag("--json", arguments->json, "One JSON object");
  constexpr const char* comparing = "Comparing with other programs";
  verb->add_option("--checkpoint", arguments->checkpoint, "Measure this model, with its weights")->group(comparing);
  verb->add_option("--inputs", arguments->inputs, "On the arrays x [N, C, H, W], t [N] and y [N] of this .npz")
      ->group(comparing);
  verb->add_option("--outputs", arguments->outputs, "Write the network's output for them to this .npz, as output")
      ->group(comparing);
  verb->add_flag("--overwrite", arguments->overwrite, "Replace a file that exists")->group(comparing);
  add_model_options(*verb, arguments->model);
  add_compute_options(*verb, arguments->compute);
  verb->callback([verb, arguments] { run_benchmark(*verb, *arguments); });
}

}  // namespace iddpm::cli
