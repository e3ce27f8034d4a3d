// What a checkpoint is, for people and for scripts.

#include <algorithm>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"
#include "iddpm/model/checkpoint.h"
#include "iddpm/model/checkpoint_format.h"

namespace iddpm {
namespace {

// Text from the file, safe to print: as it is, or in quotes with its control characters escaped.
std::string printable(const std::string& text) {
  const bool plain =
      text.size() <= 100 && std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 32 || c == 127; });
  return plain ? text : quote(text);
}

// 52,500,000
std::string grouped(std::int64_t number) {
  return number < 1000 ? std::to_string(number) : fmt::format("{},{:03}", grouped(number / 1000), number % 1000);
}

std::string short_count(std::int64_t number) {
  const auto value = static_cast<double>(number);
  if (value >= 1e6) return fmt::format("{:.1f} million", value / 1e6);
  return grouped(number);
}

std::string file_size(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (value >= 1e9) return fmt::format("{:.2f} GB", value / 1e9);
  if (value >= 1e6) return fmt::format("{:.1f} MB", value / 1e6);
  return fmt::format("{:.1f} kB", value / 1e3);
}

std::string colour(std::int64_t channels) {
  switch (channels) {
    case 1:
      return "grey";
    case 3:
      return "RGB";
    case 4:
      return "RGBA";
    default:
      return fmt::format("{}-channel", channels);
  }
}

/// One line of the table: "  levels        32, 64, 64 channels at 28, 14, 7 pixels".
class Page {
 public:
  void heading(const std::string& title) { text_ += fmt::format("\n{}\n", title); }
  void line(const std::string& name, const std::string& value) { text_ += fmt::format("  {:<20}{}\n", name, value); }
  void plain(const std::string& text) { text_ += text + "\n"; }
  std::string text() const { return text_; }

 private:
  std::string text_;
};

// Every field, from the list of them.
template <typename Settings>
void describe_fields(Page& page, Settings settings) {
  visit_fields(settings, [&](const Field& field, const FieldMember& member) {
    page.plain(fmt::format("  {:<26}{:<16}{}", field.name, field_text(member), field.help));
  });
}

void describe_network(Page& page, const UNetOptions& network) {
  std::vector<std::int64_t> widths, sides;
  for (std::size_t level = 0; level < network.channel_multipliers.size(); ++level) {
    widths.push_back(level_channels(network, level));
    sides.push_back(std::min(network.image_height, network.image_width) >> level);
  }
  page.heading(
      fmt::format("Network (U-Net): {} channels at {} pixels", fmt::join(widths, ", "), fmt::join(sides, ", ")));
  describe_fields(page, network);
}

void describe_diffusion(Page& page, const DiffusionSettings& diffusion) {
  page.heading("Diffusion");
  describe_fields(page, diffusion);
}

void describe_classes(Page& page, const ModelSettings& settings) {
  if (settings.network.classes == 0) return;
  constexpr std::size_t most_listed = 20;
  page.heading(fmt::format("Classes ({})", settings.network.classes));
  const std::vector<std::string>& names = settings.class_names;
  if (names.empty()) page.plain("  without names: use their numbers");
  for (std::size_t i = 0; i < std::min(names.size(), most_listed); ++i) {
    page.line(std::to_string(i), printable(names[i]));
  }
  if (names.size() > most_listed) page.plain(fmt::format("  ... and {} more", names.size() - most_listed));
}

void describe_drawing(Page& page, const Checkpoint& checkpoint) {
  const ModelSettings& settings = checkpoint.info().settings;
  const std::string command = fmt::format("  iddpm sample {} --count 16", checkpoint.path().string());
  page.heading("Draw images with it");
  page.plain(command + (settings.diffusion.steps > 50 ? " --steps 50" : ""));
  const nlohmann::json& origin = checkpoint.info().origin;
  if (origin.is_object() && origin.contains("sampling") && origin["sampling"].is_string()) {
    page.plain(fmt::format("{} {}", command, printable(origin["sampling"].get<std::string>())));
    page.plain("    as its own scheduler does");
  }
  if (settings.network.classes == 0) return;
  page.plain(
      fmt::format("{} --class {}", command,
                  settings.class_names.empty() ? "0" : fmt::format("\"{}\"", printable(settings.class_names.front()))));
}

// "data fashion-mnist, preset small".
std::string origin_text(const nlohmann::json& origin) {
  const auto value_text = [](const nlohmann::json& value) {
    return printable(value.is_string() ? value.get<std::string>()
                                       : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  };
  if (!origin.is_object()) return value_text(origin);
  constexpr std::size_t most_listed = 8;
  std::vector<std::string> parts;
  for (const auto& [key, value] : origin.items()) {
    if (parts.size() == most_listed) break;
    if (key == "dataset" && value.is_object() && value.contains("size")) {
      parts.push_back(value_text(value["size"]) + " images");
      continue;
    }
    parts.push_back(printable(key) + " " + value_text(value));
  }
  return fmt::format("{}{}", fmt::join(parts, ", "), origin.size() > most_listed ? " ..." : "");
}

// A version by itself is one of this program's.
std::string program_text(const std::string& version) {
  const bool named = version.find(' ') != std::string::npos;
  return printable(named ? version : "iddpm " + version);
}

std::string weights_text(const CheckpointInfo& info) {
  if (info.ema_rates.empty()) return "raw";
  return fmt::format("raw, and averages (EMA) of rate {}; sampling uses {}", fmt::join(info.ema_rates, ", "),
                     info.ema_rates.front());
}

}  // namespace

std::string describe(const Checkpoint& checkpoint) {
  const CheckpointInfo& info = checkpoint.info();
  const UNetOptions network = resolved(info.settings.network);
  const std::string path = checkpoint.path().string();
  Page page;
  page.plain(path);
  page.plain(fmt::format("  A diffusion model that draws {} x {} {} images{}{}.", network.image_height,
                         network.image_width, colour(network.image_channels),
                         network.classes > 0 ? fmt::format(" of {} classes", network.classes) : "",
                         info.step > 0 ? fmt::format(", trained for {} steps", grouped(info.step)) : ""));
  describe_classes(page, info.settings);
  describe_drawing(page, checkpoint);
  page.heading("The file");
  page.line("parameters",
            fmt::format("{} ({})", grouped(checkpoint.parameters()), short_count(checkpoint.parameters())));
  page.line("weights", weights_text(info));
  page.line("seed", std::to_string(info.seed));
  page.line("file", fmt::format("{}, written by {}", file_size(checkpoint.file_size()), program_text(info.version)));
  if (!info.origin.is_null()) page.line("origin", origin_text(info.origin));
  describe_network(page, network);
  describe_diffusion(page, info.settings.diffusion);
  return page.text();
}

nlohmann::json describe_json(const Checkpoint& checkpoint) {
  const CheckpointInfo& info = checkpoint.info();
  ModelSettings settings = info.settings;
  settings.network = resolved(settings.network);
  return {{"path", checkpoint.path().string()},
          {"format", checkpoint_format::version},
          {"version", info.version},
          {"file_bytes", checkpoint.file_size()},
          {"parameters", checkpoint.parameters()},
          {"model", settings},
          {"step", info.step},
          {"seed", info.seed},
          {"ema_rates", info.ema_rates},
          {"checksums", checkpoint.checksums()},
          {"origin", info.origin},
          {"data_pixels", info.data_pixels}};
}

}  // namespace iddpm
