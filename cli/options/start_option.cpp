#include "cli/options/start_option.h"

#include "cli/terminal/command_line.h"
#include "iddpm/core/error.h"
#include "iddpm/data/dataset.h"
#include "iddpm/evaluation/dataset_images.h"
#include "iddpm/model/draw.h"

namespace iddpm::cli {
namespace {

constexpr std::int64_t images_measured = 1000;

PixelStatistics pixels_of(const std::string& path, const UNetOptions& network) {
  DatasetOptions how{.labels = LabelSource::none};
  how.image_channels = network.image_channels;
  how.image_height = network.image_height;
  how.image_width = network.image_width;
  const auto images = open_dataset(path, how);
  PixelStatistics statistics;
  std::vector<std::string> skipped;
  for_each_batch(*images, evenly_spread(images->size(), images_measured), 64, skipped,
                 [&](const DatasetImages& batch) { add(statistics, batch.pixels); });
  for (const std::string& name : skipped) say(fmt::format("Skipping a broken image: {}", name));
  return statistics;
}

}  // namespace

std::optional<DataStart> chosen_start(const std::string& start, const Model& model) {
  if (start == "noise") return std::nullopt;
  const CheckpointInfo& info = model.info();
  const PixelStatistics statistics = start == "data" ? info.data_pixels : pixels_of(start, info.settings.network);
  require(!statistics.empty(),
          "--start data: '{}' doesn't say what its training images look like (an earlier version wrote it, or it was "
          "converted); name a folder of such images instead of 'data'",
          model.path().string());
  return start_at(statistics);
}

}  // namespace iddpm::cli
