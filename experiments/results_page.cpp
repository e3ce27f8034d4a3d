#include "experiments/results_page.h"

#include "iddpm/core/error.h"
#include "iddpm/core/formats.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/io/input_file.h"
#include "iddpm/report/png_renderer.h"
#include "iddpm/report/svg_renderer.h"
#include "iddpm/version.h"

namespace iddpm::experiments {
namespace {

namespace fs = std::filesystem;

constexpr const char* heading =
    "# The paper's findings, looked into\n\n"
    "Made by `iddpm reproduce`; figures and numbers (JSON) lie beside this page. A Frechet distance in a classifier's "
    "features is not FID: it compares within one data set's table only.\n";

std::string file_stem(const Finding& finding, const std::string& figure) {
  return figure.empty() ? finding.name : finding.name + "_" + figure;
}

std::string words(Verdict verdict) {
  switch (verdict) {
    case Verdict::shown:
      return "shown";
    case Verdict::partly:
      return "partly shown";
    case Verdict::not_shown:
      return "not shown";
  }
  fail("reproduce: unknown verdict");
}

// A finding's part of the page. `folder`: relative to the page.
std::string section_of(const nlohmann::json& result, const std::string& folder) {
  std::string text = fmt::format("### {}\n\n", result.at("title").get<std::string>());
  text += fmt::format("Paper: {}\n\n", result.at("paper").get<std::string>());
  text +=
      fmt::format("Here ({}): {}\n\n", result.at("verdict").get<std::string>(), result.at("found").get<std::string>());
  const std::string table = result.value("table", "");
  if (!table.empty()) text += table + "\n";
  text += fmt::format("`{}`, {} of processor time, all cores together.\n\n", result.at("command").get<std::string>(),
                      format_duration(result.at("processor_seconds").get<double>()));
  for (const auto& figure : result.at("figures")) {
    text += fmt::format("![{}]({}/{}.png)\n", result.at("title").get<std::string>(), folder, figure.get<std::string>());
  }
  return text + "\n";
}

}  // namespace

nlohmann::json write_finding(const fs::path& folder, const Finding& finding, const Outcome& outcome,
                             const Workbench& bench, const std::string& command) {
  fs::create_directories(folder);
  nlohmann::json figures = nlohmann::json::array();
  for (const auto& [name, plot] : outcome.plots) {
    const std::string stem = file_stem(finding, name);
    write_png(folder / (stem + ".png"), render_png(plot, 1.5));
    write_file_atomically(folder / (stem + ".svg"), render_svg(plot));
    figures.push_back(stem);
  }
  for (const auto& [name, picture] : outcome.pictures) {
    const std::string stem = file_stem(finding, name);
    write_png(folder / (stem + ".png"), picture);
    figures.push_back(stem);
  }
  const nlohmann::json result = {{"finding", finding.name},
                                 {"title", finding.title},
                                 {"paper", finding.paper},
                                 {"verdict", words(outcome.verdict)},
                                 {"found", outcome.found},
                                 {"table", outcome.table},
                                 {"numbers", outcome.numbers},
                                 {"figures", figures},
                                 {"command", command},
                                 {"scale", bench.scale()},
                                 {"precision", name(bench.settings().precision)},
                                 {"processor_seconds", bench.seconds()},
                                 {"version", version}};
  write_file_atomically(folder / (finding.name + ".json"), result.dump(1) + "\n");
  return result;
}

void update_results_page(const fs::path& page, const fs::path& folder, const std::string& data_name) {
  const std::string begin = fmt::format("<!-- iddpm reproduce: {} -->\n", data_name);
  const std::string end = fmt::format("<!-- end of {} -->\n", data_name);
  const std::string relative =
      fs::proximate(folder, page.has_parent_path() ? page.parent_path() : ".").generic_string();
  std::string section = begin + fmt::format("## {}\n\n", data_name);
  for (const Finding& finding : findings()) {
    const fs::path file = folder / (finding.name + ".json");
    if (!fs::exists(file)) continue;
    const auto result = parse_json(read_file(file), file.string());
    require(result.is_object() && result.contains("found"), "'{}' is not a result of iddpm reproduce", file.string());
    section += section_of(result, relative);
  }
  section += end;
  std::string text = fs::exists(page) ? read_file(page) : std::string(heading);
  const std::size_t from = text.find(begin), to = text.find(end);
  if (from != std::string::npos && to != std::string::npos && from < to) {
    text.replace(from, to + end.size() - from, section);
  } else {
    text += "\n" + section;
  }
  if (page.has_parent_path()) fs::create_directories(page.parent_path());
  write_file_atomically(page, text);
}

}  // namespace iddpm::experiments
