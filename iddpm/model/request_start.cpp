#include "iddpm/model/request_start.h"

#include "iddpm/core/error.h"
#include "iddpm/samplers/ddim.h"
#include "iddpm/samplers/image_start.h"
#include "iddpm/samplers/interpolation.h"
#include "iddpm/samplers/registry.h"
#include "iddpm/samplers/thresholding.h"

namespace iddpm {
namespace {

NoiseSource noise_of_images(const Model& model, std::uint64_t seed, std::uint64_t first, std::int64_t size) {
  std::vector<RandomStream> streams;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(size); ++i) {
    streams.emplace_back(seed, StreamPurpose::sampling, first + i);
  }
  return noise_from_streams(std::move(streams), model.image_shape(), model.device());
}

Tensor latent_of(const InterpolationEnd& end, const Model& model, const DrawRequest& request,
                 const ReverseProcess& process) {
  if (const auto* seed = std::get_if<std::uint64_t>(&end)) {
    return noise_of_images(model, *seed, request.first, 1)(0);
  }
  const std::vector<std::int64_t> label = labels_of(request, model.settings(), 0, 1);
  const Tensor y = label.empty() ? Tensor() : at::tensor(label, at::kLong);
  const Denoiser denoiser = denoiser_for(process, model.network_of(y), request.sampler_options);
  return DdimInversion().run(process.q(), denoiser, std::get<Tensor>(end).to(model.device()).unsqueeze(0));
}

}  // namespace

RequestStart::RequestStart(const Model& model, const DrawRequest& request, const ReverseProcess& process)
    : model_(model),
      request_(request),
      noisiest_(NoiseLevel::of_alpha_bar(process.q().schedule().alpha_bar.back())),
      sampler_(make_sampler(request.sampler, request.sampler_options)) {
  if (!request.interpolation) return;
  std::vector<Tensor> latents;
  for (const InterpolationEnd& end : request.interpolation->ends) {
    latents.push_back(latent_of(end, model, request, process));
  }
  latents_ = at::cat(latents);
}

NoiseSource RequestStart::noise(std::int64_t position, std::int64_t size) const {
  const std::uint64_t first = request_.first + static_cast<std::uint64_t>(position);
  NoiseSource noise = noise_of_images(model_, request_.seed, first, size);
  if (request_.start) return noise_from(*request_.start, noisiest_.alpha * noisiest_.alpha, std::move(noise));
  if (request_.edit) {
    const bool from_noise = request_.edit->mask.defined() && request_.edit->strength == 1.0;
    return from_noise ? noise
                      : noise_around(images_in_turn(request_.edit->images, first, size), noisiest_, std::move(noise));
  }
  if (request_.interpolation) {
    std::vector<Tensor> between;
    for (std::int64_t k = position; k < position + size; ++k) {
      const auto last = static_cast<double>(request_.count - 1);
      between.push_back(interpolated_latent(latents_, last == 0.0 ? 0.0 : static_cast<double>(k) / last));
    }
    return [latents = at::stack(between)](std::int64_t) { return latents; };
  }
  return noise;
}

std::shared_ptr<const Sampler> RequestStart::sampler(std::int64_t position, std::int64_t size) const {
  if (!request_.edit || !request_.edit->mask.defined()) return sampler_;
  return std::make_shared<InpaintingSampler>(
      sampler_, Inpainting{.known = images_in_turn(request_.edit->images,
                                                   request_.first + static_cast<std::uint64_t>(position), size),
                           .anew = request_.edit->mask,
                           .resampling = request_.edit->resampling});
}

std::vector<std::int64_t> timesteps_of_start(const Model& model, const DrawRequest& request,
                                             const std::vector<std::int64_t>& timesteps) {
  const ModelSettings& settings = model.settings();
  const int ways = (request.start ? 1 : 0) + (request.edit ? 1 : 0) + (request.interpolation ? 1 : 0);
  require(ways <= 1,
          "drawing: expected one beginning (the data's moments, images, or latents between others), got {} of them",
          ways);
  if (request.edit) {
    check_edit(*request.edit, settings, request.sampler, request.sampler_options);
    return timesteps_within(request.edit->strength, settings.diffusion.steps, timesteps);
  }
  if (request.interpolation) {
    check_interpolation(*request.interpolation, settings, request.classes.classes, request.sampler,
                        request.sampler_options);
  }
  if (!request.start) return timesteps;
  const auto channels = static_cast<std::size_t>(settings.network.image_channels);
  require(request.start->mean.size() == channels && request.start->spread.size() == channels,
          "drawing: expected the mean and spread of {} channels to begin with, got {} and {}", channels,
          request.start->mean.size(), request.start->spread.size());
  return timesteps_from(*request.start, model.reverse_process().q().schedule(), timesteps);
}

}  // namespace iddpm
