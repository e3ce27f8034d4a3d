// iddpm sample: images from a model.

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/film.h"
#include "cli/options/effect.h"
#include "cli/options/open_model.h"
#include "cli/options/respacing_option.h"
#include "cli/options/sampler_options.h"
#include "cli/options/start_option.h"
#include "cli/options/values.h"
#include "cli/sample/cascade.h"
#include "cli/sample/draw_samples.h"
#include "iddpm/core/error.h"
#include "iddpm/samplers/registry.h"

namespace iddpm::cli {
namespace {

// What an edit needs where nobody says otherwise: the one way from an image to its latent and back; steps that don't
// look at earlier ones, in a run that goes back.
std::string usual_sampler(const EditingOptions& editing) {
  if (!editing.interpolate.empty()) return "ddim";
  return editing.mask.empty() ? default_sampler : "ancestral";
}

void run_sample(const CLI::App& verb, SampleArguments arguments) {
  refuse_idle_guidance(verb, arguments.guidance);
  refuse_idle_editing(verb, arguments.editing);
  if (!arguments.enlarging.then.empty()) refuse_idle(verb, {"--low-resolution"}, "with --then");
  if (verb.get_option("--sampler")->count() == 0) arguments.sampler = usual_sampler(arguments.editing);
  (void)make_sampler(arguments.sampler, arguments.sampler_options);  // refuses what it doesn't know
  const ProcessPlace place = process_place();
  refuse_idle_process_options(verb, place);
  require(place.size == 1 || arguments.enlarging.then.empty(),
          "--then: the second model enlarges what is drawn first, in one process; {} were started together",
          place.size);
  work_together(arguments.processes, arguments.compute, [&](const std::shared_ptr<ProcessGroup>& group) {
    apply_threads(arguments.compute);
    const Model model = open_model(arguments.model, arguments.weights, arguments.compute);
    if (!arguments.enlarging.then.empty()) {
      draw_cascade(arguments, model);
    } else {
      (void)draw_samples(arguments, model, *group);
    }
  });
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
      "  iddpm sample runs/larger --low-resolution small/\n"
      "      images enlarged by a model that was trained with --super-resolution 16\n"
      "  iddpm sample runs/photos --then runs/larger --count 16\n"
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
  add_enlarging_options(*verb, arguments->enlarging);
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
  add_process_options(*verb, arguments->processes);
  verb->callback([verb, arguments] { run_sample(*verb, *arguments); });
}

}  // namespace iddpm::cli
