#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "cli/options/compute_options.h"
#include "cli/options/weight_options.h"
#include "iddpm/data/dataset.h"
#include "iddpm/data/pixel_statistics.h"
#include "iddpm/evaluation/protocol.h"
#include "iddpm/samplers/sampler_entry.h"

namespace iddpm::cli {

/// Which samples of a model are judged: images 0 .. count - 1 of the seed, classes in turn, as `iddpm sample` draws
/// them.
struct DrawRequest {
  std::filesystem::path model;
  WeightOptions weights = {};
  ComputeOptions compute = {};
  std::int64_t count = 1000;
  std::string steps = "100";  ///< a respacing specification
  std::string sampler = "ancestral";
  SamplerOptions sampler_options = {};
  std::string start = "noise";  ///< as --start says
  std::int64_t batch = 64;
  std::uint64_t seed = 0;
};

struct DrawnSamples {
  std::shared_ptr<const Dataset> images;
  ModelRecord model;
  PixelStatistics training_pixels;  ///< of what the model was trained on; empty if that isn't known
};

/// Draws them with a progress bar. An interruption ends the program: part of them would not be what was asked for.
DrawnSamples draw_samples(const DrawRequest& request);

/// What a protocol says of a respacing specification whose number of steps does not tell it: nothing of "" and "100",
/// "respacing 10,15,20" of that.
std::string respacing_note(const std::string& specification);

/// The record of a model but for its process: the file, its hash, its weights and the seed.
ModelRecord model_record(const std::filesystem::path& checkpoint, const std::string& weights, std::uint64_t seed);

}  // namespace iddpm::cli
