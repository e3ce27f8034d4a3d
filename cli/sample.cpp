// iddpm sample: images from a model.

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/commands.h"
#include "cli/image_sampling.h"
#include "cli/options/compute_options.h"
#include "cli/options/respacing_option.h"
#include "cli/options/sampler_options.h"
#include "cli/options/start_option.h"
#include "cli/options/weight_options.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/exit_codes.h"
#include "cli/terminal/interruption.h"
#include "cli/terminal/pixel_table.h"
#include "cli/terminal/progress_bar.h"
#include "iddpm/core/error.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/npz.h"
#include "iddpm/io/pixels.h"
#include "iddpm/model/checkpoint.h"
#include "iddpm/samplers/registry.h"
#include "iddpm/version.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

struct SampleArguments {
  fs::path model;
  WeightOptions weights;
  ComputeOptions compute;
  std::int64_t count = 16;
  std::string steps = "100";
  std::string sampler = "ancestral";
  SamplerOptions sampler_options;
  std::string start = "noise";
  std::vector<std::string> classes;
  bool by_class = false;
  std::uint64_t seed = 0;
  std::uint64_t first = 0;
  std::int64_t batch = 64;
  fs::path out;
  fs::path npz;
  bool grid_only = false;
  bool overwrite = false;
  bool json = false;
};

// Classes in turn: those named, or all of the model's.
std::vector<std::int64_t> chosen_labels(const SampleArguments& arguments, const ModelSettings& settings) {
  const std::int64_t classes = settings.network.classes;
  if (classes == 0) {
    require(arguments.classes.empty(), "--class {}: this model has no classes (it is unconditional)",
            arguments.classes.empty() ? "" : arguments.classes.front());
    require(!arguments.by_class, "--by-class: this model has no classes (it is unconditional)");
    return {};
  }
  std::vector<std::int64_t> wanted;
  for (const std::string& name : arguments.classes) wanted.push_back(class_index(settings, name));
  if (wanted.empty()) {
    for (std::int64_t label = 0; label < classes; ++label) wanted.push_back(label);
  }
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < arguments.count; ++i) {
    const auto position =
        arguments.by_class ? i / (arguments.count / classes) : i % static_cast<std::int64_t>(wanted.size());
    labels.push_back(wanted[static_cast<std::size_t>(position)]);
  }
  return labels;
}

// A class name as the beginning of a file name, which `--labels prefix` reads back.
std::string file_prefix(const ModelSettings& settings, std::int64_t label) {
  if (settings.class_names.empty()) return fmt::format("{}_", label);
  std::string name = settings.class_names[static_cast<std::size_t>(label)];
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.') c = '-';
  }
  return name + "_";
}

fs::path output_folder(const SampleArguments& arguments) {
  fs::path out = arguments.out;
  if (out.empty()) {
    out = fs::is_directory(arguments.model) ? arguments.model / "samples" / fmt::format("seed_{}", arguments.seed)
                                            : fs::path(arguments.model.stem().string() + "-samples");
  }
  require(!fs::exists(out) || fs::is_directory(out), "--out: '{}' is a file; expected a folder", out.string());
  require(!fs::exists(out) || fs::is_empty(out) || arguments.overwrite,
          "--out: '{}' already holds files; choose another folder, or add to it and replace files of the same names "
          "with --overwrite",
          out.string());
  return out;
}

void write_images(const fs::path& out, const Tensor& images, const SamplingRequest& request,
                  const ModelSettings& settings) {
  for (std::int64_t i = 0; i < images.size(0); ++i) {
    const auto index = static_cast<std::size_t>(i);
    const std::string prefix = request.labels.empty() ? "" : file_prefix(settings, request.labels[index]);
    write_png(out / fmt::format("{}{:06}.png", prefix, request.image_numbers[index]), image_from_tensor(images[i]));
  }
}

void run_sample(const SampleArguments& arguments) {
  (void)make_sampler(arguments.sampler, arguments.sampler_options);  // refuses what it doesn't know
  apply_threads(arguments.compute);
  const fs::path path = find_checkpoint(arguments.model);
  const Checkpoint checkpoint(path);
  const ModelSettings& settings = checkpoint.info().settings;
  require(!settings.network.super_resolution,
          "'{}' enlarges images; sampling it needs images to enlarge, which this version doesn't take", path.string());
  if (arguments.by_class && settings.network.classes > 0) {
    require(arguments.count % settings.network.classes == 0,
            "--by-class: --count {} is not divisible by the model's {} classes", arguments.count,
            settings.network.classes);
    require(arguments.classes.empty(), "--by-class draws every class; leave out --class");
  }
  const WeightChoice choice = weight_choice(arguments.weights);
  const std::string weights = weights_name(checkpoint, choice);
  SamplingRequest request{.image_numbers = image_numbers(arguments.first, arguments.count),
                          .labels = chosen_labels(arguments, settings),
                          .seed = arguments.seed,
                          .steps = arguments.steps,
                          .timesteps = chosen_timesteps(settings.diffusion.steps, arguments.steps, path, weights),
                          .sampler = arguments.sampler,
                          .sampler_options = arguments.sampler_options,
                          .start = chosen_start(arguments.start, checkpoint),
                          .batch = arguments.batch};
  const fs::path out = output_folder(arguments);
  UNet network = checkpoint.load_network(choice);
  network.to(chosen_device(arguments.compute));
  network.set_compute_type(scalar_type(chosen_precision(arguments.compute)));

  const std::atomic<bool>& stop = catch_interruption();
  const auto start = std::chrono::steady_clock::now();
  Tensor images;
  {
    ProgressBar bar("Sampling");
    images = sample_images(network, settings, request, [&](double fraction) {
      bar.update(fraction);
      return !stop;
    });
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!images.defined()) throw ExitWith{exit_interrupted};
  const std::int64_t drawn = images.size(0);
  const Tensor bytes = to_pixels(images);
  PixelStatistics statistics;
  add(statistics, bytes);
  const PixelRecord pixels = pixel_record(statistics, checkpoint.info().data_pixels, "training images");

  fs::create_directories(out);
  if (!arguments.grid_only) write_images(out, images, request, settings);
  write_png(out / "grid.png", sample_grid(images, settings, arguments.by_class && drawn == arguments.count));
  if (!arguments.npz.empty()) {
    // [N, H, W, C], the layout of the published evaluation's files.
    NamedTensors arrays = {{"arr_0", bytes.permute({0, 2, 3, 1}).contiguous()}};
    if (!request.labels.empty()) {
      arrays.emplace_back(
          "arr_1", at::tensor(at::ArrayRef<std::int64_t>(request.labels).slice(0, static_cast<std::size_t>(drawn))));
    }
    write_npz(arguments.npz, arrays);
  }
  const nlohmann::json record = {
      {"model", path.string()},       {"step", checkpoint.info().step},
      {"weights", weights},           {"count", drawn},
      {"sampler", arguments.sampler}, {"eta", arguments.sampler_options.eta.value_or(0.0)},
      {"start", arguments.start},     {"steps", arguments.steps},
      {"seed", arguments.seed},       {"first_image", arguments.first},
      {"seconds", seconds},           {"images_per_second", static_cast<double>(drawn) / seconds},
      {"folder", out.string()},       {"grid", (out / "grid.png").string()},
      {pixels_key, pixels},           {"version", version}};
  write_file_atomically(out / "samples.json", record.dump(2) + "\n");
  if (arguments.json) print(record.dump(2) + "\n");
  say(fmt::format("{} images in {} ({:.1f} images/s): {}", drawn, format_duration(seconds),
                  static_cast<double>(drawn) / seconds, display_path(out / "grid.png")));
  say(pixel_table(pixels));
  if (drawn < arguments.count) throw ExitWith{exit_interrupted};
}

}  // namespace

void add_sample(CLI::App& app) {
  auto arguments = std::make_shared<SampleArguments>();
  CLI::App* verb = app.add_subcommand("sample", "Draw images from a trained model");
  verb->footer(
      "Examples:\n"
      "  iddpm sample runs/photos --count 16\n"
      "      16 images and a grid of them, from the newest checkpoint of a run\n"
      "  iddpm sample model.safetensors --class coat --class boot --count 20 --steps 50 --seed 7\n"
      "      20 images, coats and boots in turn, in 50 steps\n"
      "  iddpm sample runs/photos --count 50000 --steps 250 --npz samples.npz --grid-only\n"
      "      what evaluation programs read (arr_0: uint8 [N, H, W, C])\n"
      "  iddpm sample runs/photos --sampler ddim --steps ddim50\n"
      "Image i of a seed is the same whatever the batch size, the number of threads and what else is drawn.");
  verb->add_option("model", arguments->model, "Run folder or checkpoint file")->required()->type_name("MODEL");
  verb->add_option("--count", arguments->count, "Images (16)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{100'000'000}));
  verb->add_option(
      "--steps", arguments->steps,
      "Steps: '50'; '10,15,20' in equal sections; 'ddim50'; 'trailing50'; 'optimal25' after iddpm respace (100)");
  add_sampler_options(*verb, arguments->sampler, arguments->sampler_options);
  verb->add_option("--start", arguments->start, start_help);
  verb->add_option("--class", arguments->classes, "Class by name or number; again for several (default: all in turn)")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_flag("--by-class", arguments->by_class, "Grid with a labelled row for each class");
  verb->add_option("--seed", arguments->seed, "Other images (0)");
  verb->add_option("--first", arguments->first, "Number of the first image of the seed (0)");
  verb->add_option("--batch", arguments->batch, "Images at a time (64); does not change them")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20));
  verb->add_option("--out", arguments->out, "Folder (default: RUN/samples/seed_<seed>)");
  verb->add_option("--npz", arguments->npz, "Also write all images to this .npz file");
  verb->add_flag("--grid-only", arguments->grid_only, "No separate PNG files");
  verb->add_flag("--overwrite", arguments->overwrite, "Write into a folder that already holds files");
  verb->add_flag("--json", arguments->json, "Print what was done as JSON");
  add_weight_options(*verb, arguments->weights);
  add_compute_options(*verb, arguments->compute);
  verb->callback([arguments] { run_sample(*arguments); });
}

}  // namespace iddpm::cli
