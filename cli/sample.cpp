// iddpm sample: images from a model.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>

#include "cli/commands.h"
#include "cli/film.h"
#include "cli/options/editing_options.h"
#include "cli/options/guidance_options.h"
#include "cli/options/open_model.h"
#include "cli/options/respacing_option.h"
#include "cli/options/sampler_options.h"
#include "cli/options/start_option.h"
#include "cli/options/values.h"
#include "cli/sample_output.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/pixel_table.h"
#include "cli/terminal/printed_json.h"
#include "cli/terminal/watched_progress.h"
#include "iddpm/core/error.h"
#include "iddpm/evaluation/likelihood/chosen_timesteps.h"
#include "iddpm/model/draw.h"
#include "iddpm/model/inference_memory.h"
#include "iddpm/model/request_denoiser.h"
#include "iddpm/samplers/registry.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

struct SampleArguments {
  fs::path model;
  WeightOptions weights;
  ComputeOptions compute;
  std::optional<std::int64_t> count;
  std::optional<std::string> steps;
  std::string sampler = default_sampler;
  SamplerOptions sampler_options;
  GuidanceArguments guidance;
  std::string start = "noise";
  EditingOptions editing;
  std::vector<std::string> classes;
  bool by_class = false;
  std::uint64_t seed = 0;
  std::uint64_t first = 0;
  std::int64_t batch = 64;
  fs::path out;
  fs::path npz;
  fs::path film;
  bool grid_only = false;
  bool overwrite = false;
  bool json = false;
};

ClassChoice chosen_classes(const SampleArguments& arguments, const ModelSettings& settings) {
  const std::int64_t classes = settings.network.classes;
  if (classes == 0) {
    require(arguments.classes.empty(), "--class {}: this model has no classes (it is unconditional)",
            arguments.classes.empty() ? "" : arguments.classes.front());
    require(!arguments.by_class, "--by-class: this model has no classes (it is unconditional)");
    return {};
  }
  ClassChoice choice;
  for (const std::string& name : arguments.classes) choice.classes.push_back(class_index(settings, name));
  if (arguments.by_class) {
    require(*arguments.count % classes == 0, "--by-class: --count {} is not divisible by the model's {} classes",
            *arguments.count, classes);
    require(arguments.classes.empty(), "--by-class draws every class; leave out --class");
    choice.order = ClassOrder::in_blocks;
  }
  return choice;
}

fs::path output_folder(const SampleArguments& arguments, const ChosenEdit& edit) {
  if (!arguments.out.empty()) return arguments.out;
  const std::string& name = edit.folder_name;
  if (fs::is_directory(arguments.model)) {
    const std::string seed = edit.interpolation ? "" : fmt::format("seed_{}", arguments.seed);
    return arguments.model / "samples" / fmt::format("{}{}{}", name, name.empty() || seed.empty() ? "" : "_", seed);
  }
  return fmt::format("{}-samples{}{}", arguments.model.stem().string(), name.empty() ? "" : "-", name);
}

DrawRequest draw_request(const SampleArguments& arguments, const Model& model, const ChosenEdit& edit) {
  DrawRequest request{
      .first = arguments.first,
      .count = *arguments.count,
      .seed = arguments.seed,
      .classes = chosen_classes(arguments, model.settings()),
      .sampler = arguments.sampler,
      .sampler_options = arguments.sampler_options,
      .steps = arguments.steps.value_or(default_steps(arguments.sampler, model.settings().diffusion.steps)),
      .start = chosen_start(arguments.start, model),
      .edit = edit.edit,
      .interpolation = edit.interpolation,
      .batch = arguments.batch};
  request.guidance = chosen_guidance(arguments.guidance, model, arguments.weights, arguments.compute);
  request.timesteps = chosen_timesteps(model, *request.steps);
  return request;
}

// All that the images depend on, for samples.json.
nlohmann::json settings_of(const SampleArguments& arguments, const DrawRequest& request, const Model& model,
                           const ChosenEdit& edit, const std::vector<std::int64_t>& timesteps) {
  nlohmann::json settings = {{"model", model.path().string()},
                             {"step", model.info().step},
                             {"weights", model.weights()},
                             {"weights_crc32c", fmt::format("{:08x}", model.checksum().value_or(0))},
                             {"count", request.count},
                             {"first_image", request.first},
                             {"seed", request.seed},
                             {"sampler", request.sampler},
                             {"sampling", describe_sampler(request.sampler, request.sampler_options)},
                             {"start", arguments.start},
                             {"guidance", guidance_record(request.guidance)},
                             {"steps", *request.steps},
                             {"timesteps", timesteps},
                             {"precision", name(model.precision())},
                             {"device", model.device().str()},
                             {"npz", arguments.npz.string()},
                             {"film", arguments.film.string()},
                             {"grid_only", arguments.grid_only}};
  settings.update(edit.settings);
  // The options that have a meaning, "eta" of ddim say, as numbers too.
  const std::vector<SamplerOption>& known = find_sampler(request.sampler).options;
  visit_sampler_options(
      request.sampler_options, [&]<typename Value>(const char* option, const std::optional<Value>& value, const char*) {
        const auto entry = std::find_if(known.begin(), known.end(),
                                        [&](const SamplerOption& candidate) { return candidate.name == option; });
        if (value) {
          settings[option] = *value;
        } else if (entry != known.end() && entry->told_always) {
          settings[option] = static_cast<Value>(entry->otherwise);
        }
      });
  if (model.has_classes()) {
    settings["classes"] = request.classes.classes;
    settings["by_class"] = arguments.by_class;
  }
  return settings;
}

// Sampling begins at pure noise; a schedule whose first step expects less leaves some of it.
void say_if_noise_is_left(const Model& model, const DrawRequest& request, const std::vector<std::int64_t>& timesteps) {
  constexpr double most_signal = 0.05;
  const std::int64_t noisiest = timesteps.back();
  const double alpha_bar = model.reverse_process().q().schedule().alpha_bar[static_cast<std::size_t>(noisiest)];
  if (request.start || request.edit || alpha_bar <= most_signal) return;
  say(fmt::format(
      "Note: sampling begins at pure noise, but the first of these steps ({}) looks at t = {} of {}, where "
      "images still hold {:.0f} % of their signal: noise will be left. --steps trailing{} begins at the "
      "last t.",
      *request.steps, noisiest, model.settings().diffusion.steps, 100.0 * std::sqrt(alpha_bar), timesteps.size()));
}

void draw_into(SampleOutput& output, const Model& model, DrawRequest request, Film* film) {
  request.already_drawn = output.already_drawn();
  try {
    WatchedProgress progress("Sampling");
    std::function<void(const DrawingStep&)> on_step;
    if (film != nullptr) on_step = [film](const DrawingStep& step) { film->look(step); };
    draw(
        model, request, [&](const DrawnBatch& batch) { output.add(batch); }, std::ref(progress), on_step);
  } catch (const Interrupted&) {
    output.write_preview();
    throw Interrupted("interrupted; " + output.kept());
  } catch (const Error& error) {
    if (output.drawn() > 0) fail(error.kind(), "{}; {}", error.what(), output.kept());
    throw;
  }
}

// "20 of 1000 steps, 31 network evaluations an image".
std::string effort_text(const Model& model, std::size_t steps, const NetworkEvaluations& evaluations) {
  return fmt::format(
      "{} of {} steps, {} network evaluation{} an image{}", steps, model.settings().diffusion.steps,
      evaluations.diffusion, evaluations.diffusion == 1 ? "" : "s",
      evaluations.classifier > 0 ? fmt::format(" and {} of the classifier", evaluations.classifier) : "");
}

// The columns of a preview that is a row from one end to the other; 0: about square.
std::int64_t row_of(const DrawRequest& request) {
  constexpr std::int64_t longest_row = 24;
  return request.interpolation ? std::min(request.count, longest_row) : 0;
}

// What an edit needs where nobody says otherwise: the one way from an image to its latent and back; steps that don't
// look at earlier ones, in a run that goes back.
std::string usual_sampler(const EditingOptions& editing) {
  if (!editing.interpolate.empty()) return "ddim";
  return editing.mask.empty() ? default_sampler : "ancestral";
}

void run_sample(const CLI::App& verb, SampleArguments arguments) {
  refuse_idle_guidance(verb, arguments.guidance);
  refuse_idle_editing(verb, arguments.editing);
  if (verb.get_option("--sampler")->count() == 0) arguments.sampler = usual_sampler(arguments.editing);
  (void)make_sampler(arguments.sampler, arguments.sampler_options);  // refuses what it doesn't know
  apply_threads(arguments.compute);
  const Model model = open_model(arguments.model, arguments.weights, arguments.compute);
  const ChosenEdit edit = chosen_edit(arguments.editing, model.settings());
  if (!arguments.count) arguments.count = default_count(edit);
  const DrawRequest request = draw_request(arguments, model, edit);
  require_inference_memory(model.settings().network, model.precision(), model.device(),
                           std::min(request.batch, request.count));
  const std::vector<std::int64_t> timesteps = drawn_timesteps(model, request);
  const fs::path out = output_folder(arguments, edit);
  const std::int64_t columns = row_of(request);
  SampleOutput output({.folder = out,
                       .npz = arguments.npz,
                       .film = arguments.film,
                       .images = !arguments.grid_only,
                       .columns = columns,
                       .overwrite = arguments.overwrite},
                      settings_of(arguments, request, model, edit, timesteps), request, model);
  if (output.was_finished()) {
    say(fmt::format("All {} images are in {} already; --overwrite draws them anew", request.count, display_path(out)));
  } else {
    const NetworkEvaluations evaluations = network_evaluations(model, request);
    say(fmt::format("By {} in {}{}", describe_sampler(request.sampler, request.sampler_options),
                    effort_text(model, timesteps.size(), evaluations),
                    arguments.steps ? "" : fmt::format(" (--sampler, --steps {})", *request.steps)));
    say_if_noise_is_left(model, request, timesteps);
    if (request.edit) say(describe_edit(edit, timesteps));
    if (output.already_drawn() > 0) say(fmt::format("Going on after {} images", output.already_drawn()));
    const std::int64_t before = output.already_drawn();
    const auto start = std::chrono::steady_clock::now();
    Film film(arguments.film, model.settings(), columns);
    draw_into(output, model, request, arguments.film.empty() ? nullptr : &film);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double speed = static_cast<double>(request.count - before) / seconds;
    const PixelRecord pixels = pixel_record(output.pixels(), model.info().data_pixels, "training images");
    nlohmann::json figures = {{"evaluations", evaluations.diffusion},
                              {"seconds", seconds},
                              {"images_per_second", speed},
                              {pixels_key, pixels}};
    if (evaluations.classifier > 0) figures["classifier_evaluations"] = evaluations.classifier;
    output.finish(figures);
    say(fmt::format("{} images in {} ({:.1f} images/s): {}", request.count - before, format_duration(seconds), speed,
                    display_path(out / "grid.png")));
    // What begins at images has their brightness, not the data's.
    if (!request.edit && !request.interpolation) say(pixel_table(pixels));
  }
  if (arguments.json) {
    print(printed_json(output.record()));
  }
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
      "  iddpm sample runs/photos --guidance 2\n"
      "      its class followed more closely, by a model that was trained with --class-dropout 0.1\n"
      "  iddpm sample runs/photos --from-image cat.png --strength 0.6\n"
      "      variations of an image; with --mask hole.png only where the mask is white\n"
      "  iddpm sample runs/photos --interpolate cat.png --interpolate dog.png --film between.webp\n"
      "Image i of a seed is the same whatever the batch size, the number of threads and what else is drawn.\n"
      "Images are written as they are drawn: if the program is stopped, the same command goes on with the rest.");
  verb->add_option("model", arguments->model, "Run folder or checkpoint file")->required()->type_name("MODEL");
  verb->add_option("--count", arguments->count, "Images (16; one of each of several with --from-image; 9 between ends)")
      ->check(between(std::int64_t{1}, std::int64_t{100'000'000}));
  verb->add_option(
          "--steps", arguments->steps,
          "Steps: '50'; '10,15,20' in equal sections; ddim50, leading50, linspace50, trailing50, logsnr20, karras20; "
          "best10 and optimal25 after iddpm respace (the usual of the sampler, or all of fewer)")
      ->check(understood_by(check_respacing));
  add_sampler_options(*verb, arguments->sampler, arguments->sampler_options);
  add_guidance_options(*verb, arguments->guidance);
  verb->add_option("--start", arguments->start, start_help);
  add_editing_options(*verb, arguments->editing);
  verb->add_option("--class", arguments->classes, "Class by name or number; again for several (default: all in turn)")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_flag("--by-class", arguments->by_class, "Grid with a labelled row for each class");
  verb->add_option("--seed", arguments->seed, "Other images (0)");
  verb->add_option("--first", arguments->first, "Number of the first image of the seed (0)");
  verb->add_option("--batch", arguments->batch, "Images at a time (64); does not change them")
      ->check(between(std::int64_t{1}, std::int64_t{1} << 20));
  verb->add_option("--out", arguments->out, "Folder (default: RUN/samples/seed_<seed>)");
  verb->add_option("--npz", arguments->npz, "Also write all images to this .npz file");
  verb->add_option("--film", arguments->film, "Also write how the first images are drawn as an animation (.webp)")
      ->check(understood_by(check_film_name));
  verb->add_flag("--grid-only", arguments->grid_only, "No separate PNG files");
  verb->add_flag("--overwrite", arguments->overwrite,
                 "Write into a folder that already holds files, and replace those of the same names");
  verb->add_flag("--json", arguments->json, "Print what was done as JSON");
  add_weight_options(*verb, arguments->weights);
  add_compute_options(*verb, arguments->compute);
  verb->callback([verb, arguments] { run_sample(*verb, *arguments); });
}

}  // namespace iddpm::cli
