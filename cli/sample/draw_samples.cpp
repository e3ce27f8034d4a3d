#include "cli/sample/draw_samples.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "cli/film.h"
#include "cli/sample/drawing_in_turns.h"
#include "cli/sample/sample_request.h"
#include "cli/sample_output.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/pixel_table.h"
#include "cli/terminal/printed_json.h"
#include "cli/terminal/watched_progress.h"
#include "iddpm/core/error.h"
#include "iddpm/model/inference_memory.h"
#include "iddpm/model/request_denoiser.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

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

void draw_into(SampleOutput& output, const Model& model, DrawRequest request, ProcessGroup& group, Film* film) {
  request.already_drawn = output.already_drawn();
  try {
    WatchedProgress progress("Sampling");
    std::function<void(const DrawingStep&)> on_step;
    if (film != nullptr) on_step = [film](const DrawingStep& step) { film->look(step); };
    draw_in_turns(
        model, request, group, [&](const DrawnBatch& batch) { output.add(batch); }, std::ref(progress), on_step);
  } catch (const Interrupted&) {
    output.write_preview();
    throw Interrupted("interrupted; " + output.kept());
  } catch (const Error& error) {
    if (output.drawn() > 0) fail(error.kind(), "{}; {}", error.what(), output.kept());
    throw;
  }
}

// Rank 0 writes, and says how far it has come; nothing if all is there already.
std::string progress_text(const SampleOutput& output) {
  return output.was_finished() ? "" : fmt::format("{}", output.already_drawn());
}

void draw_for_the_first(const Model& model, DrawRequest request, ProcessGroup& group) {
  const std::string drawn = group.broadcast_text("", "what is drawn already");
  if (drawn.empty()) return;
  request.already_drawn = std::stoll(drawn);
  WatchedProgress progress("Sampling");
  draw_in_turns(model, request, group, {}, std::ref(progress), {});
}

// The columns of a preview that is a row from one end to the other; 0: about square.
std::int64_t row_of(const DrawRequest& request) {
  constexpr std::int64_t longest_row = 24;
  return request.interpolation ? std::min(request.count, longest_row) : 0;
}

// "20 of 1000 steps, 31 network evaluations an image".
std::string effort_text(const Model& model, std::size_t steps, const NetworkEvaluations& evaluations) {
  return fmt::format(
      "{} of {} steps, {} network evaluation{} an image{}", steps, model.settings().diffusion.steps,
      evaluations.diffusion, evaluations.diffusion == 1 ? "" : "s",
      evaluations.classifier > 0 ? fmt::format(" and {} of the classifier", evaluations.classifier) : "");
}

}  // namespace

std::vector<fs::path> draw_samples(SampleArguments arguments, const Model& model, ProcessGroup& group) {
  ChosenEdit edit = chosen_edit(arguments.editing, model.settings());
  const Tensor low_resolution = chosen_low_resolution(arguments.enlarging, model.settings(), edit.settings);
  if (!arguments.count) arguments.count = low_resolution.defined() ? low_resolution.size(0) : default_count(edit);
  const DrawRequest request = draw_request(arguments, model, edit, low_resolution);
  require_inference_memory(model.settings().network, model.precision(), model.device(),
                           std::min(request.batch, request.count));
  const std::vector<std::int64_t> timesteps = drawn_timesteps(model, request);
  if (!group.is_first()) {
    draw_for_the_first(model, request, group);
    return {};
  }
  const fs::path out = output_folder(arguments, edit);
  const std::int64_t columns = row_of(request);
  SampleOutput output({.folder = out,
                       .npz = arguments.npz,
                       .film = arguments.film,
                       .images = !arguments.grid_only,
                       .columns = columns,
                       .overwrite = arguments.overwrite},
                      settings_of(arguments, request, model, edit, timesteps), request, model);
  (void)group.broadcast_text(progress_text(output), "what is drawn already");
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
    draw_into(output, model, request, group, arguments.film.empty() ? nullptr : &film);
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
  return output.image_paths();
}

}  // namespace iddpm::cli
