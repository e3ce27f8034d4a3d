// Samples, their quality and likelihoods, each kept in the work folder.

#include "experiments/workbench.h"
#include "iddpm/core/error.h"
#include "iddpm/core/processor_time.h"
#include "iddpm/evaluation/dataset_images.h"
#include "iddpm/evaluation/likelihood/bits_per_dimension.h"
#include "iddpm/evaluation/metrics/sample_metrics.h"
#include "iddpm/evaluation/model_record.h"
#include "iddpm/io/file_hash.h"
#include "iddpm/io/npz.h"
#include "iddpm/io/pixels.h"
#include "iddpm/model/draw.h"
#include "iddpm/model/model.h"

namespace iddpm::experiments {
namespace {

namespace fs = std::filesystem;

nlohmann::json record_of(const SampleRecipe& recipe, std::uint64_t seed, Precision precision) {
  nlohmann::json record = {{"checkpoint", identity(recipe.checkpoint)},
                           {"count", recipe.count},
                           {"sampler", recipe.sampler},
                           {"steps", recipe.steps},
                           {"timesteps", recipe.timesteps},
                           {"variance", recipe.variance ? name(*recipe.variance) : ""},
                           {"seed", seed + recipe.seed_offset},
                           {"precision", name(precision)}};
  if (recipe.guidance != 1) record["guidance"] = recipe.guidance;
  if (!recipe.guide.empty()) record["guide"] = identity(recipe.guide);
  return record;
}

std::string label_of(const fs::path& checkpoint) {
  // .../models/cosine_hybrid/checkpoints/step_00001500.safetensors
  const fs::path run = checkpoint.parent_path().parent_path();
  return run.filename().string() + "_" + checkpoint.stem().string();
}

// Its first average, read with another fixed variance if so asked.
Model load(const fs::path& checkpoint, const Settings& settings, const std::optional<Variance>& variance) {
  const Model model = Model::open(checkpoint, {.device = settings.device, .precision = settings.precision});
  DiffusionSettings diffusion = model.settings().diffusion;
  if (variance) diffusion.variance = *variance;
  return model.with(diffusion);
}

DrawRequest draw_request_of(const SampleRecipe& recipe, const Settings& settings) {
  DrawRequest request{.count = recipe.count,
                      .seed = settings.seed + recipe.seed_offset,
                      .sampler = recipe.sampler,
                      .timesteps = recipe.timesteps,
                      .batch = 100};
  if (request.timesteps.empty()) request.steps = recipe.steps;
  if (recipe.guidance == 1) return request;
  ModelGuidance guidance{.options = {.scale = recipe.guidance}};
  if (!recipe.guide.empty()) {
    guidance.guide = Model::open(recipe.guide, {.device = settings.device, .precision = settings.precision});
  }
  request.guidance = guidance;
  return request;
}

}  // namespace

Tensor Workbench::samples(const SampleRecipe& recipe) {
  const nlohmann::json depends_on = record_of(recipe, settings_.seed, settings_.precision);
  const nlohmann::json drawn = measured("samples_" + label_of(recipe.checkpoint), depends_on, [&] {
    const Model model = load(recipe.checkpoint, settings_, recipe.variance);
    const DrawRequest request = draw_request_of(recipe, settings_);
    std::vector<Tensor> pixels;
    const auto keep = [&](const DrawnBatch& batch) { pixels.push_back(to_pixels(batch.images).permute({0, 2, 3, 1})); };
    try {
      draw(model, request, keep, counter("Sampling " + label_of(recipe.checkpoint)));
    } catch (const NotFiniteError& error) {
      return nlohmann::json{{"not_finite", error.what()}};
    }
    const fs::path file = folder("samples") / fmt::format("{}-{}.npz", label_of(recipe.checkpoint),
                                                          sha256(depends_on.dump()).substr(0, 12));
    write_npz(file, {{"arr_0", at::cat(pixels).contiguous()}});
    return nlohmann::json{{"file", file.filename().string()}};
  });
  if (drawn.contains("not_finite")) {
    throw NotFiniteError(
        fmt::format("'{}': {}", recipe.checkpoint.string(), drawn.at("not_finite").get<std::string>()));
  }
  const fs::path file = folder("samples") / drawn.at("file").get<std::string>();
  return read_npz(file, {"arr_0"}).front().second.permute({0, 3, 1, 2}).contiguous();
}

nlohmann::json Workbench::sampling_cost(const SampleRecipe& recipe) {
  SampleRecipe timed = recipe;
  timed.count = std::min<std::int64_t>(recipe.count, 100);
  return measured("sampling_cost_" + label_of(recipe.checkpoint), record_of(timed, settings_.seed, settings_.precision),
                  [&] {
                    const Model model = load(timed.checkpoint, settings_, timed.variance);
                    const DrawRequest request = draw_request_of(timed, settings_);
                    const double start = processor_seconds();
                    draw(
                        model, request, [](const DrawnBatch&) {}, counter("Timing " + label_of(timed.checkpoint)));
                    const double seconds = processor_seconds() - start;
                    return nlohmann::json{{"evaluations", model_record(model, request).evaluations},
                                          {"milliseconds", 1e3 * seconds / static_cast<double>(timed.count)}};
                  });
}

const FeatureSet& Workbench::reference(std::int64_t count) {
  if (const auto known = references_.find(count); known != references_.end()) return known->second;
  std::vector<std::string> skipped;
  FeatureSet set = collect_features(feature_network(), *training_images(),
                                    {.count = count, .batch = 64, .source = data_name() + ", training images"}, skipped,
                                    counter("Features of the training images"));
  return references_.emplace(count, std::move(set)).first->second;
}

nlohmann::json Workbench::metrics(const std::string& source, const Tensor& images, const FeatureSet& real) {
  const auto dataset = in_memory_dataset({.images = images, .labels = {}, .class_names = {}, .source = source});
  std::vector<std::string> skipped;
  const FeatureSet fake = collect_features(feature_network(), *dataset, {.batch = 64, .source = source}, skipped);
  const SampleMetrics metrics = evaluate_samples(real, fake);
  nlohmann::json json = metrics;
  json["protocol"] = sample_protocol(real, fake, metrics);
  json["measurement_id"] = measurement_id(sample_protocol(real, fake, metrics));
  return json;
}

nlohmann::json Workbench::judge(const std::string& source, const Tensor& images, std::int64_t reference_images) {
  const std::int64_t count = reference_images > 0 ? reference_images : scale().reference_images;
  const nlohmann::json depends_on = {{"images", sha256_of_tensors({{"images", images.contiguous()}})},
                                     {"features", feature_network().space().sha256},
                                     {"reference", count}};
  return measured("quality", depends_on, [&] { return metrics(source, images, reference(count)); });
}

nlohmann::json Workbench::judge(const SampleRecipe& recipe, std::int64_t reference_images) {
  return judge("samples of " + label_of(recipe.checkpoint), samples(recipe), reference_images);
}

Tensor images_of(const Dataset& dataset, std::int64_t count) {
  std::vector<std::string> skipped;
  std::vector<Tensor> pixels;
  for_each_batch(dataset, evenly_spread(dataset.size(), count), 64, skipped,
                 [&](const DatasetImages& batch) { pixels.push_back(batch.pixels); });
  return at::cat(pixels);
}

nlohmann::json Workbench::judge_real_images(std::int64_t count, std::int64_t reference_images) {
  return judge(data_name() + (has_test_images() ? ", test images" : ", training images"),
               images_of(*test_images(), count), reference_images);
}

nlohmann::json Workbench::likelihood(const fs::path& checkpoint, const std::string& steps,
                                     const std::vector<std::int64_t>& timesteps, std::optional<Variance> variance) {
  const nlohmann::json depends_on = {{"checkpoint", identity(checkpoint)},
                                     {"steps", steps},
                                     {"timesteps", timesteps},
                                     {"variance", variance ? name(*variance) : ""},
                                     {"images", scale().likelihood_images},
                                     {"seed", settings_.seed},
                                     {"precision", name(settings_.precision)}};
  return measured("likelihood_" + label_of(checkpoint), depends_on, [&] {
    const Model model = load(checkpoint, settings_, variance);
    const ReverseProcess whole = model.reverse_process();
    const ReverseProcess process = timesteps.empty() ? whole.respaced(steps) : whole.respaced(timesteps);
    const BitsPerDimension bits = bits_per_dimension(
        process.q(), [&](const DatasetImages& images) { return model.denoiser_of(process, images.y); }, *test_images(),
        {.count = scale().likelihood_images, .batch = 64, .seed = settings_.seed, .device = settings_.device},
        counter("Likelihood of " + label_of(checkpoint)));
    return nlohmann::json{{"total", bits.total},
                          {"standard_error", bits.standard_error},
                          {"prior", bits.prior},
                          {"images", bits.images},
                          {"steps", process.steps()},
                          {"terms", bits.terms},
                          {"terms_standard_error", bits.terms_standard_error},
                          {"per_image", bits.per_image}};
  });
}

}  // namespace iddpm::experiments
