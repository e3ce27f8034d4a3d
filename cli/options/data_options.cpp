#include "cli/options/data_options.h"

#include <CLI/CLI.hpp>

#include "iddpm/core/error.h"

namespace iddpm::cli {

void add_data_options(CLI::App& verb, DataOptions& options) {
  constexpr const char* group = "Data";
  verb.add_option("--data", options.path,
                  "Folder of png, jpg or webp images, IDX (MNIST family), CIFAR binary files, or an .npz")
      ->group(group);
  verb.add_option("--labels", options.labels,
                  "Where classes come from: auto, none, folders, prefix (of file names, before the first '_') or csv")
      ->check(CLI::IsMember({"auto", "none", "folders", "prefix", "csv"}))
      ->group(group);
  verb.add_option("--csv", options.csv, "File of 'file,label' lines, for --labels csv")->group(group);
  verb.add_option("--split", options.split, "train or test, where the data set has both")
      ->check(CLI::IsMember({"train", "test"}))
      ->group(group);
  verb.add_option("--background", options.background, "Behind transparent pixels: 0 black .. 1 white")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group);
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
