// A data set of one's own: discs, drawn when they are asked for. Whatever has images by number can be trained on.

#include <iddpm/iddpm.h>

#include <cstdio>

using namespace iddpm;

class Discs : public Dataset {
 public:
  std::int64_t size() const override { return 10'000; }
  std::vector<std::int64_t> image_shape() const override { return {1, side, side}; }

  // Image i is the same whenever it is asked for, and from whatever thread: its numbers come from a stream of its own.
  Tensor image(std::int64_t index) const override {
    RandomStream random(/*seed=*/0, StreamPurpose::augmentation, static_cast<std::uint64_t>(index));
    const double radius = is_large(index) ? 10 : 5;
    const double x = radius + random.uniform() * (side - 2 * radius),
                 y = radius + random.uniform() * (side - 2 * radius);
    const Tensor places = at::arange(side, at::kDouble) + 0.5;
    const Tensor distance = at::sqrt(at::square(places - x).unsqueeze(0) + at::square(places - y).unsqueeze(1));
    return ((radius + 0.5 - distance).clamp(0, 1) * 255).to(at::kByte).unsqueeze(0);
  }

  std::int64_t label(std::int64_t index) const override { return is_large(index) ? 1 : 0; }
  const std::vector<std::string>& class_names() const override { return names_; }
  std::string image_name(std::int64_t index) const override { return "disc " + std::to_string(index); }

 private:
  static constexpr std::int64_t side = 32;
  static bool is_large(std::int64_t index) { return index % 2 == 1; }

  std::vector<std::string> names_ = {"small", "large"};
};

int main() {
  BatchLoader loader(std::make_shared<Discs>(), {.batch = 24, .workers = 2});
  const Batch batch = loader.next();  // x_0 in [-1, 1], y: what training takes
  write_png("own_data_set.png", image_grid(batch.x_0, {.columns = 8, .upscale = 2}));
  std::printf("own_data_set.png: the first batch, %lld of %lld discs in it are large\n",
              static_cast<long long>(batch.y.sum().item<std::int64_t>()), static_cast<long long>(batch.y.size(0)));
}
