#include "cli/evaluation_record.h"

#include <algorithm>
#include <map>

#include "cli/terminal/pixel_table.h"
#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/atomic_file.h"

namespace iddpm::cli {
namespace {

using nlohmann::json;

constexpr std::uintmax_t largest_file = std::uintmax_t{64} << 20;
constexpr const char* id_key = "measurement_id";
constexpr const char* protocol_key = "protocol";

const char* section_of(Measurement measurement) {
  return measurement == Measurement::likelihood ? "bits_per_dimension" : "sample_quality";
}

EvaluationResult result_of_section(const json& section, const std::string& where) {
  const JsonRecord record(section, where);
  EvaluationResult result;
  result.protocol = record.raw(protocol_key).get<Protocol>();
  result.figures = section;
  const std::string id = measurement_id(result.protocol);
  require(record.get<std::string>(id_key) == id, "expected the measurement id {} that its protocol gives, got {}", id,
          record.get<std::string>(id_key));
  result.figures.erase(id_key);
  result.figures.erase(protocol_key);
  find_pixels(result.figures);  // throws if that part is broken
  return result;
}

// The numbers of a result that can be set side by side, by names for people.
std::vector<std::pair<std::string, double>> numbers_of(const json& figures) {
  std::vector<std::pair<std::string, double>> numbers;
  const auto add = [&](const json& object, const std::string& note) {
    for (const auto& [key, value] : object.items()) {
      if (!value.is_number_float()) continue;
      std::string name = key;
      std::replace(name.begin(), name.end(), '_', ' ');
      numbers.emplace_back(name + note, value.get<double>());
    }
  };
  add(figures, "");
  if (figures.contains(pixels_key)) add(figures[pixels_key], "");
  const auto neighbours = figures.find("neighbours");
  if (neighbours == figures.end() || !neighbours->is_array()) return numbers;
  for (const json& of_k : *neighbours) {
    if (of_k.is_object() && of_k.contains("k")) add(of_k, fmt::format(" (k = {})", of_k["k"].dump()));
  }
  return numbers;
}

// A table of what both have, and the same as JSON.
std::string side_by_side(const EvaluationResult& a, const EvaluationResult& b, json& comparison) {
  const auto others = numbers_of(b.figures);
  const std::map<std::string, double> by_name(others.begin(), others.end());
  std::string text = fmt::format("{:<28}{:>14}{:>14}{:>14}\n", "", "this", "other", "difference");
  for (const auto& [name, value] : numbers_of(a.figures)) {
    const auto other = by_name.find(name);
    if (other == by_name.end()) continue;
    text += fmt::format("{:<28}{:>14.6g}{:>14.6g}{:>+14.4g}\n", name, value, other->second, value - other->second);
    comparison["figures"][name] = {{"this", value}, {"other", other->second}};
  }
  for (const std::string& difference : compare(a.protocol, b.protocol).differences) {
    text += fmt::format("differs in {}\n", difference);
    comparison["differences"].push_back(difference);
  }
  return text;
}

}  // namespace

std::string figures_table(const EvaluationResult& result) {
  std::string text;
  for (const auto& [name, value] : numbers_of(result.figures)) text += fmt::format("{:<28}{:.6g}\n", name, value);
  if (const auto pixels = find_pixels(result.figures)) text += pixel_table(*pixels) + "\n";
  return text;
}

void add_section(json& record, const EvaluationResult& result) {
  json section = result.figures;
  section[id_key] = measurement_id(result.protocol);
  section[protocol_key] = result.protocol;
  record[section_of(result.protocol.measurement)] = std::move(section);
}

std::vector<EvaluationResult> load_results(const std::filesystem::path& path) {
  const std::string where = path.string();
  const json record = parse_json(read_file(path, largest_file), where);
  require(record.is_object(), "'{}' is no result of iddpm evaluate: expected an object, got {}", where,
          record.type_name());
  if (record.contains("figures")) return {load_result(path)};
  std::vector<EvaluationResult> results;
  try {
    for (const Measurement measurement : {Measurement::likelihood, Measurement::sample_quality}) {
      const char* name = section_of(measurement);
      if (record.contains(name)) results.push_back(result_of_section(record[name], name));
    }
  } catch (const Error& error) {
    fail("'{}' is no result of iddpm evaluate: {}", where, error.what());
  }
  require(!results.empty(), "'{}' is no result of iddpm evaluate: it has neither {} nor {}", where,
          section_of(Measurement::likelihood), section_of(Measurement::sample_quality));
  return results;
}

std::string compare_results(const std::vector<EvaluationResult>& results, const std::filesystem::path& other,
                            const std::vector<EvaluationResult>& others, json& record) {
  std::string text;
  for (const EvaluationResult& a : results) {
    for (const EvaluationResult& b : others) {
      if (a.protocol.measurement != b.protocol.measurement) continue;
      try {
        require_comparable(a.protocol, b.protocol);
      } catch (const Error& error) {
        fail("--compare '{}': {}", other.string(), error.what());
      }
      const char* section = section_of(a.protocol.measurement);
      json comparison = {{"other", other.string()}, {"measurement_id", measurement_id(a.protocol)}};
      text += fmt::format("\nMay be compared with {}, measured in the same way ({}):\n", other.string(),
                          measurement_id(a.protocol));
      text += side_by_side(a, b, comparison);
      record["comparison"][section] = std::move(comparison);
    }
  }
  require(!text.empty(), "--compare '{}': it holds nothing of what was measured here", other.string());
  return text;
}

}  // namespace iddpm::cli
