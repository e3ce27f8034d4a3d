#include "cli/terminal/pixel_table.h"

#include <algorithm>
#include <cmath>

#include "cli/terminal/command_line.h"

namespace iddpm::cli {
namespace {

std::string samples_name(const ImageFigures& samples) {
  return fmt::format("{} sample{}", format_count(samples.images), samples.images == 1 ? "" : "s");
}

std::vector<std::string> cells_of(const std::string& name, const ChannelFigures& channel) {
  const auto number = [](double value) { return fmt::format("{:.1f}", value); };
  return {name,
          channel.name,
          number(channel.mean),
          number(channel.spread),
          number(100.0 * channel.black_share),
          number(100.0 * channel.white_share)};
}

// The channel that is furthest from the data's.
std::size_t furthest_channel(const PixelRecord& record) {
  const auto difference = [&](std::size_t c) {
    return std::abs(record.samples.channels[c].mean - record.data->channels[c].mean);
  };
  std::size_t furthest = 0;
  for (std::size_t c = 1; c < record.samples.channels.size(); ++c) {
    if (difference(c) > difference(furthest)) furthest = c;
  }
  return furthest;
}

}  // namespace

std::vector<std::vector<std::string>> pixel_cells(const PixelRecord& record) {
  std::vector<std::vector<std::string>> cells = {
      {"pixels, 0 to 255", "channel", "mean", "spread", "% black (2 and less)", "% white (250 and more)"}};
  for (std::size_t c = 0; c < record.samples.channels.size(); ++c) {
    cells.push_back(cells_of(samples_name(record.samples), record.samples.channels[c]));
    if (record.data) cells.push_back(cells_of(record.data->of, record.data->channels[c]));
  }
  return cells;
}

std::string pixel_table(const PixelRecord& record) {
  const auto cells = pixel_cells(record);
  std::vector<std::size_t> widths(cells.front().size());
  for (const auto& row : cells) {
    for (std::size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], row[column].size());
    }
  }
  std::string text;
  for (const auto& row : cells) {
    text += fmt::format("{:<{}}  {:<{}}", row[0], widths[0], row[1], widths[1]);
    for (std::size_t column = 2; column < row.size(); ++column) {
      text += fmt::format("  {:>{}}", row[column], widths[column]);
    }
    text += "\n";
  }
  text += brightness_remark(record);
  if (text.back() == '\n') text.pop_back();
  return text;
}

std::string brightness_remark(const PixelRecord& record, const std::string& when) {
  if (!record.data || *record.brightness_difference <= largest_brightness_difference) return {};
  const ImageFigures& samples = record.samples;
  const std::size_t channel = furthest_channel(record);
  const ChannelFigures& ours = samples.channels[channel];
  const ChannelFigures& theirs = record.data->channels[channel];
  // The standard error of a mean over so many images is at most so large: as if each were of one brightness.
  const double largest_error = theirs.spread / std::sqrt(static_cast<double>(samples.images));
  const bool chance = std::abs(ours.mean - theirs.mean) < 2.0 * largest_error;
  return fmt::format(
      "The {}{} {} {} than the {}: mean {:.0f} where theirs is {:.0f} ({}), off by {:.1f} % of the range; the bound is "
      "{:.0f} %{}.",
      samples_name(samples), when, samples.images == 1 ? "is" : "are", ours.mean > theirs.mean ? "brighter" : "darker",
      record.data->of, ours.mean, theirs.mean, ours.name, 100.0 * *record.brightness_difference,
      100.0 * largest_brightness_difference, chance ? " (of so few images that may be chance)" : "");
}

}  // namespace iddpm::cli
