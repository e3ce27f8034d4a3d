#include "iddpm/samplers/sampler.h"

#include <algorithm>

#include "iddpm/core/error.h"

namespace iddpm {

NoiseSource noise_from_streams(std::vector<RandomStream> streams, std::vector<std::int64_t> image_shape,
                               at::Device device) {
  require(!streams.empty(), "sampling: expected at least one image's random stream, got none");
  require(image_shape.size() == 3 && std::all_of(image_shape.begin(), image_shape.end(), [](auto n) { return n > 0; }),
          "sampling: expected positive extents [channels, height, width] of an image, got {}",
          format_shape(image_shape));
  const auto extents = at::IntArrayRef(image_shape);
  // One block of a stream gives two normal numbers.
  const auto blocks_per_draw = static_cast<std::uint64_t>((c10::multiply_integers(extents) + 1) / 2);
  return
      [streams = std::move(streams), image_shape = std::move(image_shape), device, blocks_per_draw](std::int64_t draw) {
        require(draw >= 0, "sampling: expected a draw of at least 0, got {}", draw);
        std::vector<RandomStream> positioned = streams;
        for (RandomStream& stream : positioned) stream.seek(static_cast<std::uint64_t>(draw) * blocks_per_draw);
        return normal_per_image(positioned, image_shape, device);
      };
}

SamplingSteps Sampler::watch(const ForwardProcess& q, Denoiser denoiser, NoiseSource noise) const {
  Tensor x_T = noise(0);
  return SamplingSteps(start(q, std::move(denoiser), std::move(x_T), std::move(noise)));
}

Tensor Sampler::run(const ForwardProcess& q, const Denoiser& denoiser, const NoiseSource& noise) const {
  Tensor x;
  for (const SamplingState& state : watch(q, denoiser, noise)) x = state.x;
  return x;
}

Tensor Sampler::run(const ForwardProcess& q, const Denoiser& denoiser, const SamplingOptions& options) const {
  std::vector<RandomStream> streams;
  for (std::uint64_t seed : options.seeds) streams.emplace_back(seed, StreamPurpose::sampling);
  return run(q, denoiser, noise_from_streams(std::move(streams), options.image_shape, options.device));
}

Tensor Sampler::run(const ReverseProcess& p_theta, const Network& network, const SamplingOptions& options) const {
  return run(p_theta.q(), p_theta.denoiser(network), options);
}

}  // namespace iddpm
