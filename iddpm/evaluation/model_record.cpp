#include "iddpm/evaluation/model_record.h"

#include <algorithm>

#include "iddpm/core/error.h"
#include "iddpm/evaluation/enlarged_images.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/model/request_denoiser.h"
#include "iddpm/samplers/registry.h"

namespace iddpm {

std::string respacing_note(const std::string& specification) {
  const bool told =
      std::all_of(specification.begin(), specification.end(), [](char c) { return c >= '0' && c <= '9'; });
  return told ? std::string() : "respacing " + specification;
}

ModelRecord model_record(const Model& model, std::uint64_t seed) {
  require(!model.path().empty(), "evaluation: a record needs a model that was read from a file");
  const std::int64_t steps = model.settings().diffusion.steps;
  return {.checkpoint = model.path().string(),
          .checkpoint_sha256 = sha256_of_file(model.path()),
          .weights = model.weights(),
          .sampler = {},
          .steps = steps,
          .original_steps = steps,
          .seed = seed,
          .precision = name(model.precision()),
          .device = model.device().str()};
}

ModelRecord model_record(const Model& model, const DrawRequest& request, const std::string& start) {
  ModelRecord record = model_record(model, request.seed);
  record.steps = static_cast<std::int64_t>(drawn_timesteps(model, request).size());
  record.evaluations = network_evaluations(model, request).diffusion;
  record.sampler = describe_sampler(request.sampler, request.sampler_options);
  const std::string guidance = describe(request.guidance);
  if (!guidance.empty()) record.sampler += ", " + guidance;
  const std::string given = enlarging_note(model.settings().network, request.low_resolution_noise);
  if (!given.empty()) record.sampler += ", " + given;
  if (start != "noise") record.sampler += ", start " + start;
  const std::string note = respacing_note(request.steps.value_or(""));
  if (!note.empty()) record.sampler += ", " + note;
  return record;
}

}  // namespace iddpm
