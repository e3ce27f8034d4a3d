#include "iddpm/model/request_denoiser.h"

#include "iddpm/model/request_start.h"
#include "iddpm/samplers/registry.h"
#include "iddpm/samplers/thresholding.h"

namespace iddpm {
namespace {

Denoiser unclipped(const Model& model, const ReverseProcess& process, const Tensor& y) {
  return process.denoiser(model.network_of(y), /*clip_x_0=*/false);
}

// The guide's own kind of prediction is read by its own process, of the same timesteps.
Denoiser guide_denoiser(const ModelGuidance& guidance, const Model& model, const ReverseProcess& process,
                        const Tensor& y) {
  if (!guidance.guide) return unclipped(model, process, at::full_like(y, no_class));
  const ReverseProcess its_process = guidance.guide->reverse_process().respaced(process.timestep_map());
  return unclipped(*guidance.guide, its_process, y);
}

// Of log p(y | x_t), by the classifier, which is told t as the model is.
GuidanceGradient gradient_of(const ClassifierGuidance& guidance, const ReverseProcess& process, const Tensor& y) {
  return [classifier = guidance.classifier.network(), process, y](const Tensor& x_t, const Timesteps& t) {
    return log_probability_gradient(classifier, x_t, process.network_timesteps(t, x_t.device()), y);
  };
}

}  // namespace

Denoiser request_denoiser(const Model& model, const ReverseProcess& process, const DrawRequest& request,
                          const Tensor& y) {
  if (!is_effective(request.guidance) && !request.wrap) {
    return denoiser_for(process, model.network_of(y), request.sampler_options);
  }
  const ForwardProcess& q = process.q();
  const auto* by_model = std::get_if<ModelGuidance>(&request.guidance);
  const auto* by_classifier = std::get_if<ClassifierGuidance>(&request.guidance);
  const bool moves_mean =
      by_classifier != nullptr && make_sampler(request.sampler, request.sampler_options)->draws_from_mean();
  Denoiser denoiser = unclipped(model, process, y);
  if (by_model != nullptr) {
    denoiser = guided(q, std::move(denoiser), guide_denoiser(*by_model, model, process, y), by_model->options);
  }
  if (by_classifier != nullptr && !moves_mean) {
    denoiser = epsilon_guided(q, std::move(denoiser), gradient_of(*by_classifier, process, y), by_classifier->scale);
  }
  if (request.wrap) denoiser = request.wrap(q, std::move(denoiser), y);
  denoiser = limited(process, std::move(denoiser), request.sampler_options);
  if (!moves_mean) return denoiser;
  // The mean of the clipped x_0 is moved, which leaves x_0 itself as it is.
  return mean_guided(std::move(denoiser), gradient_of(*by_classifier, process, y), by_classifier->scale);
}

NetworkEvaluations network_evaluations(const Model& model, const DrawRequest& request) {
  const ReverseProcess process = model.reverse_process().respaced(drawn_timesteps(model, request));
  const auto* by_model = std::get_if<ModelGuidance>(&request.guidance);
  const bool asks_classifier =
      std::holds_alternative<ClassifierGuidance>(request.guidance) && is_effective(request.guidance);
  const std::vector<double> scales =
      guidance_scales(process.q().schedule(), by_model != nullptr ? by_model->options : GuidanceOptions());
  NetworkEvaluations evaluations;
  const Denoiser counting = [&](const Tensor& x_t, const Timesteps& t) {
    evaluations.diffusion += scales[static_cast<std::size_t>(t.values().front())] == 1.0 ? 1 : 2;
    if (asks_classifier) ++evaluations.classifier;
    const Tensor nothing = at::zeros_like(x_t);
    return Prediction{.mean = nothing, .variance = nothing, .log_variance = nothing, .x_0 = nothing};
  };
  DrawRequest of_one = request;
  of_one.interpolation = {};  // whose ends are looked at once for all images
  std::vector<std::int64_t> shape = model.image_shape();
  shape.insert(shape.begin(), 1);
  const NoiseSource no_noise = [&](std::int64_t) { return at::zeros(shape, model.device()); };
  (void)RequestStart(model, of_one, process).sampler(0, 1)->run(process.q(), counting, no_noise);
  return evaluations;
}

}  // namespace iddpm
