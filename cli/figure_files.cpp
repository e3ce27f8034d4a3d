#include "cli/figure_files.h"

#include "iddpm/core/random_stream.h"
#include "iddpm/diffusion/forward_process.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/report/noising_strip.h"
#include "iddpm/report/png_renderer.h"
#include "iddpm/report/svg_renderer.h"

namespace iddpm::cli {

FigureFiles::FigureFiles(std::filesystem::path folder) : folder_(std::move(folder)) {
  std::filesystem::create_directories(folder_);
}

void FigureFiles::write(const std::string& name, const LinePlot& plot, const std::vector<ProcessCurve>& curves) const {
  write(name, render_png(plot));
  const auto svg = folder_ / (name + ".svg");
  write_file_atomically(svg, render_svg(plot));
  written_.push_back(svg);
  nlohmann::json numbers = nlohmann::json::object();
  for (const ProcessCurve& curve : curves) numbers[curve.name] = curve.values;
  const auto json = folder_ / (name + ".json");
  write_file_atomically(json, numbers.dump() + "\n");
  written_.push_back(json);
}

void FigureFiles::write(const std::string& name, const Image& image) const {
  const auto path = folder_ / (name + ".png");
  write_png(path, image);
  written_.push_back(path);
}

Image noising_strip_of(const Tensor& x_0) {
  constexpr std::int64_t steps = 1000;
  constexpr std::int64_t columns = 10;
  std::vector<std::int64_t> timesteps;
  for (std::int64_t k = 0; k < columns; ++k) timesteps.push_back(k * (steps - 1) / (columns - 1));
  const Tensor t = at::tensor(timesteps, at::kLong);
  const Tensor images = x_0.expand({columns, -1, -1, -1});
  // The same noise in every column: the pictures differ in its amount only.
  std::vector<RandomStream> streams = {RandomStream(0, StreamPurpose::sampling)};
  const Tensor noise = normal_per_image(streams, x_0.sizes().slice(1)).expand_as(images);
  const ForwardProcess linear(linear_schedule({.steps = steps}));
  const ForwardProcess cosine(cosine_schedule({.steps = steps}));
  return noising_strip({{"linear", linear.sample(images, t, noise)}, {"cosine", cosine.sample(images, t, noise)}},
                       timesteps);
}

}  // namespace iddpm::cli
