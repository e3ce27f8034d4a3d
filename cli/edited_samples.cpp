#include "cli/edited_samples.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/data/folder_listing.h"
#include "iddpm/io/atomic_file.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uintmax_t largest_film = std::uintmax_t{16} << 20;

// "cat.png", or "cat.png and others".
std::string names_text(const json& names) {
  const std::string first = fs::path(names.at(0).get<std::string>()).filename().string();
  return names.size() == 1 ? first : first + " and others";
}

std::string beginning_text(const json& record) {
  if (record.contains("interpolate") && record["interpolate"].is_array()) {
    std::vector<std::string> ends;
    for (const json& end : record["interpolate"]) ends.push_back(fs::path(end.get<std::string>()).filename().string());
    return fmt::format("between {}", fmt::join(ends, " and "));
  }
  if (!record.contains("from_image") || !record["from_image"].is_array()) return "from noise";
  const std::string names = names_text(record["from_image"]);
  if (record.at("mask").is_null())
    return fmt::format("from {}, strength {}", names, record.at("strength").get<double>());
  return fmt::format("in the white parts of {} of {}, strength {}",
                     fs::path(record["mask"].get<std::string>()).filename().string(), names,
                     record.at("strength").get<double>());
}

std::string film_of(const json& record) {
  const std::string path = record.value("film", "");
  if (path.empty() || !is_file(path)) return {};
  std::string bytes = read_file(path, largest_film);
  return bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP" ? bytes : "";
}

std::optional<EditedSamples> samples_in(const fs::path& folder) {
  try {
    const json record = parse_json(read_file(folder / "samples.json"), "samples.json");
    if (record.value("state", "") != "finished") return std::nullopt;
    const std::string beginning = beginning_text(record);
    EditedSamples samples{.film = film_of(record)};
    if (beginning == "from noise" && samples.film.empty()) return std::nullopt;
    samples.picture = read_image(folder / "grid.png");
    samples.caption = fmt::format("{}: {} images {}, {} sampler, {} timesteps", folder.filename().string(),
                                  record.at("count").get<std::int64_t>(), beginning,
                                  record.at("sampler").get<std::string>(), record.at("timesteps").size());
    return samples;
  } catch (const Error&) {
    return std::nullopt;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

std::vector<EditedSamples> edited_samples(const fs::path& samples) {
  std::vector<EditedSamples> found;
  if (!is_folder(samples)) return found;
  for (const std::string& name : list_folder(samples).folders) {
    if (auto edited = samples_in(samples / name)) found.push_back(std::move(*edited));
  }
  return found;
}

}  // namespace iddpm::cli
