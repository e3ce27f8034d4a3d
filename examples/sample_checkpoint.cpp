// Draws from a model file or run folder: a picture for each batch of images as soon as it is finished, so that memory
// doesn't grow with their number, and Ctrl-C loses one batch.
//
// example_sample_checkpoint MODEL [COUNT]

#include <iddpm/iddpm.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>

using namespace iddpm;

std::atomic<bool> stop{false};

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::printf("usage: %s MODEL [COUNT]\n", argv[0]);
    return 2;
  }
  const Model model = Model::open(argv[1]);
  for (const std::string& damaged : model.skipped()) std::printf("passed over: %s\n", damaged.c_str());
  std::printf("%s, weights %s, step %lld\n", model.path().c_str(), model.weights().c_str(),
              static_cast<long long>(model.info().step));

  const DrawRequest request{.count = argc > 2 ? std::atoll(argv[2]) : 6, .seed = 7, .sampler = "ddim", .batch = 4};
  std::printf("%zu of %lld steps\n", drawn_timesteps(model, request).size(),
              static_cast<long long>(model.settings().diffusion.steps));
  std::signal(SIGINT, [](int) { stop = true; });

  std::int64_t drawn = 0;
  const auto write_batch = [&](const DrawnBatch& batch) {
    write_png(fmt::format("sample_checkpoint_{}.png", batch.first_number), image_grid(batch.images));
    drawn += batch.images.size(0);
  };
  const auto progress = [](std::int64_t, std::int64_t) {
    if (stop) throw Interrupted();
  };
  draw(model, request, write_batch, progress);
  return drawn == request.count ? 0 : 1;
} catch (const Error& error) {
  std::printf("%s\n", error.what());
  return error.kind() == ErrorKind::interrupted ? 130 : 1;
}
