#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "iddpm/io/image_file.h"
#include "iddpm/report/line_plot.h"
#include "iddpm/report/process_figures.h"

namespace iddpm::cli {

/// Figures as files of a folder: NAME.png, NAME.svg, and the numbers as NAME.json.
class FigureFiles {
 public:
  explicit FigureFiles(std::filesystem::path folder);

  void write(const std::string& name, const LinePlot& plot, const std::vector<ProcessCurve>& curves) const;
  void write(const std::string& name, const Image& image) const;
  const std::vector<std::filesystem::path>& written() const { return written_; }

 private:
  std::filesystem::path folder_;
  mutable std::vector<std::filesystem::path> written_;
};

}  // namespace iddpm::cli
