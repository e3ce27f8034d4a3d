#include "cli/train/training_grid.h"

#include "cli/sample_grid.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/pixel_table.h"
#include "iddpm/core/error.h"
#include "iddpm/core/progress.h"
#include "iddpm/model/draw.h"
#include "iddpm/model/low_resolution.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

// The first images of the data, made small and enlarged again.
void enlarge_training_images(DrawRequest& request, const PreparedRun& run) {
  request.count = std::min(request.count, run.dataset->size());
  const Batch batch = read_batch(*run.dataset, 0, request.count);
  request.low_resolution = low_resolution_of(batch.x_0, run.trainer.settings().network);
  if (run.trainer.settings().network.classes == 0) return;
  const Tensor y = batch.y.contiguous();
  request.classes.classes.assign(y.data_ptr<std::int64_t>(), y.data_ptr<std::int64_t>() + y.numel());
}

bool is_by_class(const UNetOptions& network) {
  return network.classes > 0 && network.classes <= 16 && !network.super_resolution;
}

// The same noise each time, so that grids can be compared.
DrawRequest grid_request(const PreparedRun& run) {
  const UNetOptions& network = run.trainer.settings().network;
  constexpr std::int64_t columns = 8;
  DrawRequest request;
  request.count = is_by_class(network) ? network.classes * columns : columns * 4;
  request.seed = run.trainer.options().seed;
  if (is_by_class(network)) request.classes.order = ClassOrder::in_blocks;
  if (network.super_resolution) enlarge_training_images(request, run);
  // A few at a time, so that an interruption is soon heeded: images don't depend on it.
  const std::int64_t pixels = network.image_height * network.image_width;
  request.batch = std::clamp<std::int64_t>(4 * 64 * 64 / pixels, 1, request.batch);
  return request;
}

// All images of a request, of which each process draws its turns. One that can't, or is to stop, lets all do without.
Tensor draw_together(const Model& model, DrawRequest request, ProcessGroup& group, const ProgressCallback& progress) {
  const UNetOptions& network = model.settings().network;
  const Tensor images = at::zeros({request.count, network.image_channels, network.image_height, network.image_width});
  request.batch = std::min(request.batch, (request.count + group.size() - 1) / group.size());
  request.turns = {.turn = group.rank(), .of = group.size()};
  std::exception_ptr failure;
  try {
    draw(
        model, request,
        [&](const DrawnBatch& batch) { images.narrow(0, batch.position, batch.images.size(0)).copy_(batch.images); },
        progress);
  } catch (...) {
    failure = std::current_exception();
  }
  const Tensor own = at::cat({images.flatten(), at::full({1}, failure ? 1.0F : 0.0F)});
  const Tensor all = group.sum(own, "the pictures of a sample grid");
  if (failure) std::rethrow_exception(failure);
  if (all.data_ptr<float>()[images.numel()] > 0) throw Interrupted();
  return all.narrow(0, 0, images.numel()).view(images.sizes());
}

// Samples of the first EMA.
Tensor drawn_samples(PreparedRun& run, std::int64_t step, const std::atomic<bool>& stop) {
  ProcessGroup& group = run.trainer.group();
  const Model model({.settings = run.trainer.settings(), .step = step},
                    run.trainer.options().ema_rates.empty() ? run.trainer.network() : run.trainer.ema_network(),
                    run.trainer.options().precision);
  const auto progress = [&](std::int64_t, std::int64_t) {
    group.at_work(fmt::format("drawing samples at step {}", step));
    if (stop) throw Interrupted();
  };
  return draw_together(model, grid_request(run), group, progress);
}

}  // namespace

std::optional<Image> training_grid(PreparedRun& run, std::int64_t step, const std::atomic<bool>& stop,
                                   ProgressBar& bar) {
  const PixelStatistics data_pixels = run.trainer.data_pixels();
  try {
    const Tensor images = drawn_samples(run, step, stop);
    if (!run.trainer.group().is_first()) return std::nullopt;
    const auto& settings = run.trainer.settings();
    fs::create_directories(run.folder / "samples");
    const Image picture = sample_grid(images, settings, {.by_class = is_by_class(settings.network)});
    PixelStatistics pixels;
    add(pixels, images);
    write_png(run.folder / "samples" / fmt::format("step_{:08}.png", step), picture);
    const std::string remark =
        brightness_remark(pixel_record(pixels, data_pixels, "training images"), fmt::format(" at step {}", step));
    if (!remark.empty()) {
      bar.clear();
      say(remark + " Usual in the first hundreds of steps.");
    }
    return picture;
  } catch (const Interrupted&) {
    return std::nullopt;
  } catch (const LostProcess&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    bar.clear();
    say(fmt::format("No sample grid at step {}: {}", step, error.what()));
    return std::nullopt;
  }
}

}  // namespace iddpm::cli
