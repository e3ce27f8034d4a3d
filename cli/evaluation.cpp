#include "cli/evaluation.h"

#include <algorithm>
#include <chrono>

#include "cli/evaluation_record.h"
#include "cli/options/open_model.h"
#include "cli/options/start_option.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/pixel_table.h"
#include "cli/terminal/watched_progress.h"
#include "iddpm/core/error.h"
#include "iddpm/evaluation/likelihood/chosen_timesteps.h"
#include "iddpm/evaluation/metrics/reference_statistics.h"
#include "iddpm/evaluation/model_record.h"
#include "iddpm/io/safetensors_header.h"
#include "iddpm/model/inference_memory.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/version.h"

namespace iddpm::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void say_broken(const std::vector<std::string>& skipped) {
  for (const std::string& name : skipped) say(fmt::format("Skipped a broken image: {}", name));
}

std::string likelihood_table(const Likelihood& likelihood, std::int64_t step, double seconds) {
  const BitsPerDimension& bits = likelihood.bits;
  double middle = 0;
  for (std::size_t t = 1; t < bits.terms.size(); ++t) middle += bits.terms[t];
  std::string text =
      fmt::format("{:.4f} bits per dimension (standard error {:.4f})\n", bits.total, bits.standard_error);
  text += fmt::format("  L_0, the decoder      {:.4f}\n", bits.terms.front());
  text += fmt::format("  L_1 .. L_{:<12} {:.4f}\n", bits.terms.size() - 1, middle);
  text += fmt::format("  L_T, the prior        {:.6f}\n", bits.prior);
  text += fmt::format("on {} images, {} of {} steps, weights {}, step {}, in {}\n", format_count(bits.images),
                      likelihood.model.steps, likelihood.model.original_steps, likelihood.model.weights, step,
                      format_duration(seconds));
  return text;
}

void add_result(Findings& findings, const EvaluationResult& result, const std::string& table) {
  findings.text += findings.text.empty() ? "" : "\n";
  findings.text += table + describe(result.protocol);
  add_section(findings.record, result);
  findings.results.push_back(result);
}

std::string source_of(const std::filesystem::path& path, const std::string& split) {
  return split.empty() ? path.string() : fmt::format("{} ({})", path.string(), split);
}

void evaluate_likelihood(const EvaluationRequest& request, const Model& model, const Dataset& dataset,
                         Findings& findings) {
  const auto start = Clock::now();
  const Likelihood likelihood = [&] {
    WatchedProgress progress("Measuring likelihood");
    return measure_likelihood(model, dataset, request.likelihood, std::ref(progress));
  }();
  say_broken(likelihood.bits.skipped);
  findings.record.update({{"model", model.path().string()},
                          {"step", model.info().step},
                          {"weights", model.weights()},
                          {"data", request.data.path.string()},
                          {"split", request.data.split},
                          {"seed", request.likelihood.seed}});
  add_result(findings, likelihood_result(likelihood, source_of(request.data.path, request.data.split)),
             likelihood_table(likelihood, model.info().step, seconds_since(start)));
  const std::vector<std::string>& not_finite = likelihood.bits.not_finite;
  if (!not_finite.empty()) {
    findings.record["not_finite"] = not_finite;
    findings.obstacle = NotFiniteError(
        fmt::format("the bound of {} images is not finite, that of '{}' the first; the result is without them",
                    not_finite.size(), not_finite.front()));
  }
}

void require_memory_for(const Model& model, std::int64_t images) {
  require_inference_memory(model.settings().network, model.precision(), model.device(), images);
}

// Images that are judged, opened.
struct JudgedImages {
  std::shared_ptr<const Dataset> images = {};
  FeatureSetOptions options = {};
};

JudgedImages open_images(const EvaluationRequest& request) {
  const DataOptions& data = request.data;
  DatasetOptions options{.labels = LabelSource::none};
  if (request.size.image_size) {
    const ImageSize size = asked_image_size(request.size);
    options.image_height = size.height;
    options.image_width = size.width;
  }
  options.image_channels = request.size.image_channels;
  options.background = data.background;
  if (!data.split.empty()) options.split = data.split;
  return {.images = open_dataset(request.what, options),
          .options = {.count = request.likelihood.count,
                      .batch = request.likelihood.batch,
                      .source = source_of(request.what, data.split)}};
}

void save_statistics(const std::filesystem::path& path, const FeatureSet& set, Findings& findings) {
  save_reference_statistics(path, set);
  findings.record["reference_file"] = path.string();
  findings.text +=
      fmt::format("Statistics of {} images in features of {} (SHA-256 {}): {}\n", format_count(set.images.count),
                  set.space.network, set.space.sha256.substr(0, 12), display_path(path));
}

// All that judging takes, found in order before anything is drawn or measured.
struct Judgement {
  std::optional<JudgedImages> images = {};  ///< unset for a model
  DrawRequest request = {};                 ///< for a model
  std::unique_ptr<FeatureNetwork> network = {};
  std::optional<Reference> reference = {};
};

DrawRequest draw_request(const EvaluationRequest& request, const Model& model) {
  DrawRequest samples = request.samples;
  samples.seed = request.likelihood.seed;
  samples.batch = request.likelihood.batch;
  samples.start = chosen_start(request.start, model);
  samples.guidance = chosen_guidance(request.guidance, model, request.weights, request.compute);
  if (samples.steps) samples.timesteps = chosen_timesteps(model, *samples.steps);
  (void)drawn_timesteps(model, samples);  // refuses what can't be drawn
  require_memory_for(model, std::min(samples.batch, samples.count));
  return samples;
}

Judgement prepare_judgement(const EvaluationRequest& request, const std::optional<Model>& model) {
  require(!request.features.empty(),
          "judging images needs --features: a classifier made by 'iddpm train-features', or FID's Inception network");
  Judgement judgement;
  std::vector<std::int64_t> shape;
  if (model) {
    judgement.request = draw_request(request, *model);
    shape = model->image_shape();
  } else {
    judgement.images = open_images(request);
    shape = judgement.images->images->image_shape();
  }
  judgement.network = open_feature_network(request.features, chosen_device(request.compute), shape);
  if (!request.reference.path.empty()) {
    judgement.reference = open_reference(request.reference, shape, judgement.network->space(), request.features);
  }
  return judgement;
}

FeatureSet features_of_samples(const Judgement& judgement, const std::optional<Model>& model) {
  if (model) {
    WatchedProgress progress("Sampling");
    return sample_features(*judgement.network, *model, judgement.request,
                           fmt::format("samples of {}", model->path().string()), std::ref(progress));
  }
  const JudgedImages& judged = *judgement.images;
  std::vector<std::string> skipped;
  FeatureSet set;
  {
    WatchedProgress progress(fmt::format("Features of {}", judged.options.source));
    set = collect_features(*judgement.network, *judged.images, judged.options, skipped, std::ref(progress));
  }
  say_broken(skipped);
  return set;
}

FeatureSet features_of_reference(const EvaluationRequest& request, const Judgement& judgement) {
  std::vector<std::string> skipped;
  FeatureSet set;
  {
    WatchedProgress progress(fmt::format("Features of {}", judgement.reference->source()));
    set = reference_features(*judgement.network, *judgement.reference, request.likelihood.batch, skipped,
                             std::ref(progress));
  }
  say_broken(skipped);
  return set;
}

void judge(const EvaluationRequest& request, const Judgement& judgement, const std::optional<Model>& model,
           Findings& findings) {
  if (judgement.images) findings.record["images_description"] = judgement.images->images->description();
  const FeatureSet samples = features_of_samples(judgement, model);
  if (!request.save_reference.empty()) {
    try {
      save_statistics(request.save_reference, samples, findings);
    } catch (const Error& error) {
      findings.obstacle = error;
    }
  }
  if (!judgement.reference) return;
  const FeatureSet real = features_of_reference(request, judgement);
  std::optional<ModelRecord> record;
  PixelStatistics training_pixels;
  if (model) {
    record = model_record(*model, judgement.request, request.start);
    training_pixels = model->info().data_pixels;
  }
  const SampleQuality quality = [&] {
    WatchedProgress progress("Measuring ");
    return compare_with_reference(real, samples, request.neighbours, record, training_pixels, std::ref(progress));
  }();
  add_result(findings, quality.result,
             format_table(quality.metrics, samples.space) + pixel_table(quality.pixels) + "\n");
}

void check(const EvaluationRequest& request, bool is_model, bool likelihood, bool judging) {
  const DataOptions& data = request.data;
  require(likelihood || judging,
          "evaluate needs --data, the images whose likelihood is measured, or --reference and --features, what samples "
          "are compared with and in which features");
  require(is_model || !likelihood, "--data {}: '{}' holds images, and only a model has a likelihood",
          data.path.string(), request.what.string());
  if (!is_model) return;
  require(!request.size.image_size && !request.size.image_channels,
          "--image-size and --image-channels are for images; samples have the size that the model gives them");
  require(likelihood || request.likelihood.steps.empty(),
          "--steps {} shortens the process for the likelihood, which needs --data; samples take --sample-steps",
          request.likelihood.steps);
  require(likelihood || request.likelihood.count == 0,
          "--count {} is of the images in --data; how many samples are drawn is said by --samples",
          request.likelihood.count);
}

void measure(const EvaluationRequest& request, bool is_model, Findings& findings) {
  const bool likelihood = !request.data.path.empty();
  const bool judging = !request.reference.path.empty() || !request.save_reference.empty();
  check(request, is_model, likelihood, judging);
  const auto start = Clock::now();
  apply_threads(request.compute);
  std::optional<Model> model;
  if (is_model) model = open_model(request.what, request.weights, request.compute);
  // What doesn't fit is found out before hours of work.
  if (likelihood && !request.likelihood.steps.empty()) (void)chosen_timesteps(*model, request.likelihood.steps);
  std::optional<Judgement> judgement;
  if (judging) judgement = prepare_judgement(request, model);
  if (likelihood) {
    const auto dataset = open_fitting_dataset(model->settings(), request.data.path, dataset_options(request.data));
    describe_data(*dataset);
    findings.record["data_description"] = dataset->description();
    require_memory_for(*model, std::min(request.likelihood.batch, dataset->size()));
    evaluate_likelihood(request, *model, *dataset, findings);
  }
  if (judgement) {
    try {
      judge(request, *judgement, model, findings);
    } catch (const Error& error) {
      if (findings.results.empty() || error.kind() == ErrorKind::interrupted) throw;
      findings.obstacle = error;
    }
  }
  findings.record["seconds"] = seconds_since(start);
  findings.record["version"] = version;
}

}  // namespace

EvaluationInput kind_of_input(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  require(
      fs::exists(path),
      "'{}': there is nothing to evaluate there; expected a run folder, a checkpoint, a folder of images or an .npz",
      path.string());
  if (fs::is_directory(path)) {
    const bool is_model =
        fs::exists(path / "run.json") || !list_checkpoints(path).empty() || diffusers::is_model_folder(path);
    return is_model ? EvaluationInput::model : EvaluationInput::images;
  }
  if (looks_like_safetensors(path) || path.extension() == ".safetensors" || path.extension() == ".bin") {
    return EvaluationInput::model;
  }
  return path.extension() == ".json" ? EvaluationInput::result : EvaluationInput::images;
}

Findings evaluate(const EvaluationRequest& request) {
  Findings findings;
  const EvaluationInput kind = kind_of_input(request.what);
  if (kind != EvaluationInput::result) {
    measure(request, kind == EvaluationInput::model, findings);
    return findings;
  }
  for (const EvaluationResult& result : load_results(request.what)) add_result(findings, result, figures_table(result));
  return findings;
}

}  // namespace iddpm::cli
