#include "iddpm/evaluation/likelihood/likelihood.h"

#include "iddpm/core/error.h"
#include "iddpm/evaluation/likelihood/chosen_timesteps.h"
#include "iddpm/evaluation/model_record.h"

namespace iddpm {

std::shared_ptr<const Dataset> open_fitting_dataset(const ModelSettings& settings, const std::filesystem::path& path,
                                                    DatasetOptions options) {
  const UNetOptions& network = settings.network;
  options.image_height = network.image_height;
  options.image_width = network.image_width;
  options.image_channels = network.image_channels;
  if (network.classes > 0) options.class_names = settings.class_names;
  auto dataset = open_dataset(path, options);
  if (network.classes > 0) {
    require(static_cast<std::int64_t>(dataset->class_names().size()) == network.classes,
            "'{}' has {} classes; the model expects {}", path.string(), dataset->class_names().size(), network.classes);
    require(settings.class_names.empty() || dataset->class_names() == settings.class_names,
            "the classes of '{}' ({}) are not the model's ({})", path.string(), fmt::join(dataset->class_names(), ", "),
            fmt::join(settings.class_names, ", "));
  }
  return dataset;
}

Likelihood measure_likelihood(const Model& model, const Dataset& dataset, const LikelihoodOptions& options,
                              const ProgressCallback& progress) {
  const ReverseProcess process = model.reverse_process().respaced(chosen_timesteps(model, options.steps));
  Likelihood result{.bits = {}, .model = model_record(model, options.seed)};
  result.model.sampler = respacing_note(options.steps);
  result.model.steps = process.steps();
  result.model.evaluations = process.steps();  // the bound looks once at every timestep
  result.bits = bits_per_dimension(
      process.q(), [&](const Tensor& y) { return model.denoiser_of(process, y); }, dataset,
      {.count = options.count, .batch = options.batch, .seed = options.seed, .device = model.device()}, progress);
  return result;
}

EvaluationResult likelihood_result(const Likelihood& likelihood, const std::string& source) {
  const BitsPerDimension& bits = likelihood.bits;
  return {.protocol = likelihood_protocol(bits, source, likelihood.model),
          .figures = {{"total", bits.total},
                      {"standard_error", bits.standard_error},
                      {"prior", bits.prior},
                      {"images", bits.images},
                      {"skipped", bits.skipped.size()},
                      {"steps", likelihood.model.steps},
                      {"original_steps", likelihood.model.original_steps},
                      {"terms", bits.terms},
                      {"x_0_error", bits.x_0_error},
                      {"epsilon_error", bits.epsilon_error}}};
}

PairwiseBound measure_pairwise_bound(const Model& model, const Dataset& dataset, PairwiseBoundOptions options,
                                     const std::string& source, const ProgressCallback& progress) {
  options.device = model.device();
  options.clip_x_0 = options.clip_x_0 && model.settings().diffusion.clip_x_0 > 0;
  PairwiseBound bound = pairwise_bound(
      model.reverse_process(), [&](const Tensor& y) { return model.network_of(y); }, dataset, options, progress);
  const ModelRecord record = model_record(model, options.seed);
  bound.measured.source = source;
  bound.model.checkpoint = model.path().filename().string();
  bound.model.checkpoint_sha256 = record.checkpoint_sha256;
  bound.model.weights = record.weights;
  return bound;
}

}  // namespace iddpm
