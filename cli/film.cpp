#include "cli/film.h"

#include <algorithm>
#include <chrono>

#include "cli/sample_grid.h"
#include "iddpm/core/error.h"
#include "iddpm/io/atomic_file.h"

namespace iddpm::cli {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t most_frames = 60;
constexpr std::int64_t most_images = 16;
constexpr std::int64_t length = 4000;  // milliseconds, of all frames but the last, if there are many
constexpr std::int64_t longest = 400;  // of a frame
constexpr milliseconds held{2000};

// Whether so many steps out of all end at a frame: the last does, the others are evenly spread.
bool is_shown(std::int64_t step, std::int64_t steps, std::int64_t frames) {
  return step * frames / steps > (step - 1) * frames / steps;
}

}  // namespace

Film::Film(std::filesystem::path path, const ModelSettings& settings, std::int64_t columns)
    : path_(std::move(path)), settings_(settings), columns_(columns) {}

void Film::look(const DrawingStep& step) {
  if (step.position != 0) return;
  const std::int64_t frames = std::min(step.steps, most_frames);
  if (!is_shown(step.step, step.steps, frames)) return;
  const Tensor first = step.x.slice(0, 0, std::min(step.x.size(0), most_images)).to(at::kCPU, at::kFloat);
  if (!at::isfinite(first).all().item<bool>()) return;  // `draw` tells
  const Image frame = sample_grid(first.clamp(-1.0, 1.0), settings_, {.columns = columns_});
  if (animation_ == nullptr) animation_ = std::make_unique<AnimatedWebp>(frame.width, frame.height);
  if (step.step < step.steps) {
    animation_->add(frame, milliseconds(std::min(longest, length / frames)));
    return;
  }
  animation_->add(frame, held, FrameQuality::exact);
  write_file_atomically(path_, animation_->finish());
  animation_.reset();
}

void check_film_name(const std::string& path) {
  require(std::filesystem::path(path).extension() == ".webp",
          "films are animated WebP: expected a name that ends in .webp, got '{}'", path);
}

}  // namespace iddpm::cli
