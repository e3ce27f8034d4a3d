#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "iddpm/report/html_report.h"
#include "iddpm/report/loss_curves.h"

namespace iddpm {

/// Samples drawn during training.
struct SamplesAtStep {
  std::int64_t step = 0;
  Image image = {};
};

/// Samples that began at images or lie between others, or were filmed.
struct EditedSamples {
  Image picture = {};
  std::string caption = {};
  std::string film = {};  ///< an animated WebP file; empty: none
};

/// How bright samples are beside the data.
struct PixelTable {
  std::vector<std::string> header = {};
  std::vector<std::vector<std::string>> rows = {};
  std::vector<std::string> remarks = {};  ///< on what is off
};

/// What is known of a training run. Empty parts are left out of the report.
struct RunReport {
  std::string title = {};
  std::string summary = {};  ///< a sentence or two below the title
  KeyValues figures = {};    ///< results: bits/dim with its standard error, ...
  KeyValues timings = {};
  KeyValues settings = {};
  LossHistory losses = {};
  std::vector<SamplesAtStep> samples_during_training = {};
  std::optional<Image> final_samples = {};  ///< the labelled grid
  std::string final_samples_caption = {};
  std::optional<Image> nearest_images = {};  ///< samples above the training images nearest to them
  std::string nearest_images_caption = {};
  std::vector<EditedSamples> edits = {};
  PixelTable pixels = {};
  std::optional<Image> noising_strip = {};
  std::string noising_strip_caption = {};
  std::vector<double> vlb_terms = {};  ///< bits/dim, indexed by t
};

/// The report of a training run as one self-contained HTML text.
std::string run_report_html(const RunReport& report);

/// The same as a file, written atomically.
void write_run_report(const std::filesystem::path& path, const RunReport& report);

}  // namespace iddpm
