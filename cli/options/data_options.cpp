#include "cli/options/data_options.h"

#include <CLI/CLI.hpp>

#include "cli/options/values.h"
#include "cli/terminal/command_line.h"
#include "iddpm/core/error.h"

namespace iddpm::cli {

void add_data_options(CLI::App& verb, DataOptions& options) {
  constexpr const char* group = "Data";
  verb.add_option("--data", options.path,
                  "Folder of images (png, jpg, webp, gif, bmp, tif), IDX (MNIST family), CIFAR binary files, an .npz, "
                  "or images in "
                  ".zip or .tar archives")
      ->group(group);
  verb.add_option("--labels", options.labels,
                  "Where classes come from: auto, none, folders, prefix (of file names, before the first '_') or csv")
      ->check(one_of({"auto", "none", "folders", "prefix", "csv"}))
      ->group(group);
  verb.add_option("--csv", options.csv, "Table of files and labels, for --labels csv")->group(group);
  verb.add_option("--split", options.split, "train or test, where the data set has both")
      ->check(one_of({"train", "test"}))
      ->group(group);
  verb.add_option("--background", options.background, "Behind transparent pixels: 0 black .. 1 white")
      ->check(between(0.0, 1.0))
      ->group(group);
}

void describe_data(const Dataset& dataset) {
  for (const std::string& line : description_lines(dataset.description())) say(line);
}

std::filesystem::path default_run_folder(const std::filesystem::path& data) {
  namespace fs = std::filesystem;
  fs::path whole = fs::absolute(data).lexically_normal();
  if (!whole.has_filename()) whole = whole.parent_path();
  const fs::path name = whole.has_filename() ? whole.filename() : fs::path("run");
  std::error_code ignored;
  const fs::path here = fs::weakly_canonical(fs::current_path(), ignored);
  const fs::path from_data = here.lexically_relative(fs::weakly_canonical(whole, ignored));
  const bool inside = !from_data.empty() && *from_data.begin() != "..";
  return (inside ? whole.parent_path() : fs::path()) / "runs" / name;
}

DatasetOptions dataset_options(const DataOptions& options) {
  DatasetOptions result;
  result.background = options.background;
  result.csv = options.csv;
  if (!options.split.empty()) result.split = options.split;
  const bool csv_given = !options.csv.empty();
  require(!csv_given || options.labels == "auto" || options.labels == "csv",
          "--csv {} goes with --labels csv, not --labels {}", options.csv.string(), options.labels);
  if (options.labels == "csv" || csv_given) {
    require(csv_given, "--labels csv needs --csv FILE");
    result.labels = LabelSource::csv;
  } else if (options.labels == "none") {
    result.labels = LabelSource::none;
  } else if (options.labels == "folders") {
    result.labels = LabelSource::subfolders;
  } else if (options.labels == "prefix") {
    result.labels = LabelSource::file_name_prefix;
  }
  return result;
}

}  // namespace iddpm::cli
