#include "cli/figure_files.h"

#include "iddpm/io/atomic_file.h"
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
  write_file_atomically(json, numbers.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  written_.push_back(json);
}

void FigureFiles::write(const std::string& name, const Image& image) const {
  const auto path = folder_ / (name + ".png");
  write_png(path, image);
  written_.push_back(path);
}

}  // namespace iddpm::cli
