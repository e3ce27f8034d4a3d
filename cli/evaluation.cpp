#include "cli/evaluation.h"

#include <chrono>

#include "cli/evaluation_record.h"
#include "cli/options/evaluation_input.h"
#include "cli/terminal/command_line.h"
#include "iddpm/core/error.h"
#include "iddpm/evaluation/metrics/reference_statistics.h"
#include "iddpm/version.h"

namespace iddpm::cli {
namespace {

std::string likelihood_table(const Likelihood& likelihood) {
  const BitsPerDimension& bits = likelihood.bits;
  double middle = 0;
  for (std::size_t t = 1; t < bits.terms.size(); ++t) middle += bits.terms[t];
  std::string text =
      fmt::format("{:.4f} bits per dimension (standard error {:.4f})\n", bits.total, bits.standard_error);
  text += fmt::format("  L_0, the decoder      {:.4f}\n", bits.terms.front());
  text += fmt::format("  L_1 .. L_{:<12} {:.4f}\n", bits.terms.size() - 1, middle);
  text += fmt::format("  L_T, the prior        {:.6f}\n", bits.prior);
  text += fmt::format("on {} images, {} of {} steps, weights {}, step {}, in {}\n", format_count(bits.images),
                      likelihood.steps, likelihood.info.settings.diffusion.steps, likelihood.weights,
                      likelihood.info.step, format_duration(likelihood.seconds));
  return text;
}

void add_result(Findings& findings, const EvaluationResult& result, const std::string& table) {
  findings.text += findings.text.empty() ? "" : "\n";
  findings.text += table + describe(result.protocol);
  add_section(findings.record, result);
  findings.results.push_back(result);
}

void evaluate_likelihood(const EvaluationRequest& request, Findings& findings) {
  const LikelihoodRequest& likelihood_request = request.likelihood;
  const Likelihood likelihood = measure_likelihood(likelihood_request);
  findings.record.update({{"model", likelihood.checkpoint.string()},
                          {"step", likelihood.info.step},
                          {"weights", likelihood.weights},
                          {"data", likelihood_request.data.path.string()},
                          {"split", likelihood_request.data.split},
                          {"seed", likelihood_request.seed}});
  add_result(findings, likelihood_result(likelihood_request, likelihood), likelihood_table(likelihood));
}

// What is judged, opened; samples of a model are drawn once everything else has proved in order.
struct JudgedImages {
  std::shared_ptr<const Dataset> images = {};  ///< unset for a model, as yet
  FeatureSetOptions options = {};
  std::vector<std::int64_t> shape = {};
  std::optional<ModelRecord> model = {};
  PixelStatistics training_pixels = {};  ///< of the model, as far as known
};

JudgedImages open_images(const EvaluationRequest& request) {
  const DataOptions& data = request.likelihood.data;
  DatasetOptions options{.labels = LabelSource::none};
  if (request.size.image_size) {
    const ImageSize size = asked_image_size(request.size);
    options.image_height = size.height;
    options.image_width = size.width;
  }
  options.image_channels = request.size.image_channels;
  options.background = data.background;
  std::string source = request.what.string();
  if (!data.split.empty()) {
    options.split = data.split;
    source += fmt::format(" ({})", data.split);
  }
  const auto images = open_dataset(request.what, options);
  return {.images = images,
          .options = {.count = request.likelihood.count, .source = source},
          .shape = images->image_shape()};
}

JudgedImages images_of_model(const EvaluationRequest& request) {
  const Checkpoint checkpoint(find_checkpoint(request.what));
  const UNetOptions& network = checkpoint.info().settings.network;
  return {.shape = {network.image_channels, network.image_height, network.image_width}};
}

void draw(const EvaluationRequest& request, JudgedImages& judged) {
  const DrawnSamples drawn = draw_samples(request.samples);
  judged.images = drawn.images;
  judged.model = drawn.model;
  judged.training_pixels = drawn.training_pixels;
  judged.options.source = fmt::format("samples of {}", drawn.model.checkpoint);
}

void save_statistics(const std::filesystem::path& path, const FeatureSet& set, Findings& findings) {
  save_reference_statistics(path, set);
  findings.record["reference_file"] = path.string();
  findings.text +=
      fmt::format("Statistics of {} images in features of {} (SHA-256 {}): {}\n", format_count(set.images.count),
                  set.space.network, set.space.sha256.substr(0, 12), display_path(path));
}

// All that judging takes but the samples of a model.
struct Judgement {
  JudgedImages judged;
  std::unique_ptr<FeatureNetwork> network;
  std::optional<Reference> reference;
};

Judgement prepare_judgement(const EvaluationRequest& request, bool is_model) {
  require(!request.features.empty(),
          "judging images needs --features: a classifier made by 'iddpm train-features', or FID's Inception network");
  apply_threads(request.likelihood.compute);
  Judgement judgement{
      .judged = is_model ? images_of_model(request) : open_images(request), .network = nullptr, .reference = {}};
  const std::vector<std::int64_t>& shape = judgement.judged.shape;
  judgement.network = open_feature_network(request.features, chosen_device(request.likelihood.compute), shape);
  if (!request.reference.path.empty()) {
    judgement.reference = open_reference(request.reference, shape, judgement.network->space(), request.features);
  }
  return judgement;
}

void judge(const EvaluationRequest& request, Judgement& judgement, Findings& findings) {
  JudgedImages& judged = judgement.judged;
  if (!judged.images) draw(request, judged);
  judged.options.batch = request.likelihood.batch;
  const FeatureSet samples = image_features(*judgement.network, *judged.images, judged.options);
  if (!request.save_reference.empty()) save_statistics(request.save_reference, samples, findings);
  if (!judgement.reference) return;
  const FeatureSet real = reference_features(*judgement.network, *judgement.reference, judged.options.batch);
  const SampleQuality quality =
      compare_with_reference(real, samples, request.neighbours, judged.model, judged.training_pixels);
  add_result(findings, quality.result, quality.table);
}

void check(const EvaluationRequest& request, bool is_model, bool likelihood, bool judging) {
  const DataOptions& data = request.likelihood.data;
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
  const bool likelihood = !request.likelihood.data.path.empty();
  const bool judging = !request.reference.path.empty() || !request.save_reference.empty();
  check(request, is_model, likelihood, judging);
  const auto start = std::chrono::steady_clock::now();
  // What doesn't fit is found out before hours of work.
  std::optional<Judgement> judgement;
  if (judging) judgement = prepare_judgement(request, is_model);
  if (likelihood) evaluate_likelihood(request, findings);
  if (judgement) judge(request, *judgement, findings);
  findings.record["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  findings.record["version"] = version;
}

}  // namespace

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
