#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/core/progress.h"
#include "iddpm/core/tensor.h"
#include "iddpm/model/edit.h"
#include "iddpm/model/guidance.h"
#include "iddpm/model/model.h"
#include "iddpm/samplers/data_start.h"
#include "iddpm/samplers/registry.h"

namespace iddpm {

/// How the classes of a request follow one another.
enum class ClassOrder {
  in_turn,   ///< image k has class k modulo their number
  in_blocks  ///< as many images of the first class as of each other one, then those of the second, ...
};

/// Which classes images have. For one label for each image, name as many classes as there are images.
struct ClassChoice {
  std::vector<std::int64_t> classes = {};  ///< empty: all of the model's
  ClassOrder order = ClassOrder::in_turn;
};

/// Changes the x_0 that each batch's denoiser of the (shortened) process q predicts, given the batch's classes y [N]
/// (undefined without any), after guidance and before it is clipped or thresholded; the mean then follows from x_0.
using DenoiserWrapper = std::function<Denoiser(const ForwardProcess& q, Denoiser denoiser, const Tensor& y)>;

/// Of the batches of a drawing, every `of`-th from number `turn` on: where processes share it.
struct DrawingTurns {
  std::int64_t turn = 0;
  std::int64_t of = 1;
};

/// Which images to draw from a model, and how.
struct DrawRequest {
  std::uint64_t first = 0;  ///< images first .. first + count - 1 of the seed, the same whatever is drawn beside
  std::int64_t count = 16;
  std::int64_t already_drawn = 0;  ///< of them, at the beginning, which are left out: a drawing that goes on
  std::uint64_t seed = 0;
  ClassChoice classes = ClassChoice();    ///< a model without classes takes none; {} has g++ 14 warn without cause
  std::string sampler = default_sampler;  ///< of the table of samplers
  SamplerOptions sampler_options = {};
  std::optional<std::string> steps = {};     ///< a specification as in respacing.h; unset: `default_steps`
  std::vector<std::int64_t> timesteps = {};  ///< looked at instead, if there are any, ascending
  std::optional<DataStart> start = {};       ///< unset: pure noise
  Guidance guidance = {};
  std::optional<ImageEdit> edit = {};  ///< begins at images
  std::optional<Interpolation> interpolation = {};
  /// What a model of super-resolution enlarges: float32 [M, C, h, w] in [-1, 1] (model/low_resolution.h); image number
  /// n is made of n modulo M.
  Tensor low_resolution = {};
  DenoiserWrapper wrap = {};
  std::int64_t batch = 64;  ///< images at a time; changes them by rounding only
  DrawingTurns turns = {};  ///< the batches that are drawn here
};

/// A batch between two steps.
struct DrawingStep {
  std::int64_t position = 0;  ///< of its first image among the request's
  std::int64_t step = 0;      ///< steps done
  std::int64_t steps = 0;     ///< in all
  Tensor x = {};              ///< [N, C, H, W] as it is now, on the model's device; its range is that of noise at first
  Tensor x_0 = {};            ///< the image that the model guesses
};

/// Some images of a request, one after the other.
struct DrawnBatch {
  std::int64_t position = 0;              ///< of the first among the request's images
  std::uint64_t first_number = 0;         ///< its number
  std::vector<std::int64_t> labels = {};  ///< [N]; empty without classes
  Tensor images = {};                     ///< float32 [N, C, H, W] in [-1, 1], on the CPU
};

/// The steps that are usual for a sampler, "trailing20", or all of a process of so many `steps` if it has fewer.
std::string default_steps(const std::string& sampler, std::int64_t steps);

/// The classes of images position .. position + size - 1 of a request; empty without classes.
std::vector<std::int64_t> labels_of(const DrawRequest& request, const ModelSettings& settings, std::int64_t position,
                                    std::int64_t size);

/// The timesteps of the model's process that drawing looks at, ascending. Throws Error for all that `draw` refuses: a
/// sampler, option, specification, class, number, start, guidance or smaller images that can't be.
std::vector<std::int64_t> drawn_timesteps(const Model& model, const DrawRequest& request);

/// Draws the images, each from its own stream of random numbers, and gives them away batch by batch; none is kept.
/// Everything that can be refused is refused before anything is drawn. `progress` counts images times steps; if it or
/// `on_batch` throws (Interrupted, say), the batch under way is lost and those given away are not. `on_step` sees every
/// step of every batch, for previews. Throws NotFiniteError, saying after which step, if images are no longer finite.
void draw(const Model& model, const DrawRequest& request, const std::function<void(const DrawnBatch&)>& on_batch,
          const ProgressCallback& progress = {}, const std::function<void(const DrawingStep&)>& on_step = {});

/// The same for as many images as memory holds: float32 [N, C, H, W].
Tensor draw_at_once(const Model& model, const DrawRequest& request, const ProgressCallback& progress = {});

}  // namespace iddpm
