// Samples four images from an untrained model with nothing but the installed library.

#include <iddpm/iddpm.h>

#include <cstdio>

int main() {
  using namespace iddpm;
  const at::NoGradGuard no_gradient;
  const UNet model({.image_height = 8,
                    .image_width = 8,
                    .image_channels = 1,
                    .channels = 32,
                    .residual_blocks = 1,
                    .channel_multipliers = {1, 1},
                    .attention_resolutions = {4}});
  const ReverseProcess p_theta(ForwardProcess(cosine_schedule({.steps = 100})));
  const Tensor images = AncestralSampler().run(p_theta.respaced("5"), model,
                                               {.seeds = {0, 1, 2, 3}, .image_shape = {1, 8, 8}, .device = at::kCPU});
  if (images.sizes() != at::IntArrayRef({4, 1, 8, 8}) || !images.isfinite().all().item<bool>()) return 1;
  std::puts("4 images");
  return 0;
}
