#include "cli/run_report_builder.h"

#include "cli/edited_samples.h"
#include "cli/figure_files.h"
#include "cli/options/open_model.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/pixel_table.h"
#include "experiments/noising_strips.h"
#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/data/batch_loader.h"
#include "iddpm/evaluation/protocol.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/model/checkpoint.h"
#include "iddpm/nn/module.h"
#include "iddpm/report/run_report.h"
#include "iddpm/training/run/metrics_log.h"
#include "iddpm/training/run/training_run.h"

namespace iddpm::cli {
namespace {

namespace fs = std::filesystem;

LossHistory loss_history(const std::vector<LoggedStep>& log) {
  constexpr double gap = std::numeric_limits<double>::quiet_NaN();
  LossHistory history;
  for (const LoggedStep& line : log) {
    history.step.push_back(static_cast<double>(line.step));
    history.total.push_back(line.loss);
    history.mse.push_back(line.mse.value_or(gap));
    history.vb.push_back(line.vb.value_or(gap));
    for (std::size_t q = 0; q < 4; ++q) history.quartiles[q].push_back(line.loss_by_quartile[q].value_or(gap));
  }
  return history;
}

// Grids drawn during training, at most six, evenly chosen with the first and the last.
std::vector<SamplesAtStep> training_samples(const fs::path& folder) {
  std::map<std::int64_t, fs::path> grids;
  if (fs::is_directory(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("step_") && name.ends_with(".png")) grids[std::atoll(name.c_str() + 5)] = entry.path();
    }
  }
  constexpr std::size_t most = 6;
  std::vector<SamplesAtStep> chosen;
  const std::size_t shown = std::min(most, grids.size());
  std::vector<std::pair<std::int64_t, fs::path>> all(grids.begin(), grids.end());
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& [step, path] = all[shown == 1 ? all.size() - 1 : i * (all.size() - 1) / (shown - 1)];
    chosen.push_back({step, read_image(path)});
  }
  return chosen;
}

KeyValues settings_table(const CheckpointInfo& info, const nlohmann::json& training) {
  KeyValues table;
  const FieldVisitor add = [&](const Field& field, const FieldMember& member) {
    table.emplace_back(field.name, field_text(member));
  };
  ModelSettings settings = info.settings;
  visit_fields(settings.network, add);
  visit_fields(settings.diffusion, add);
  for (const auto& [key, value] : training.items()) {
    table.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return table;
}

void add_likelihood(RunReport& report, const nlohmann::json& bits) {
  report.figures.emplace_back(
      "Bits per dimension (test images)",
      fmt::format("{:.3f} ± {:.3f}", bits.value("total", 0.0), bits.value("standard_error", 0.0)));
  report.figures.emplace_back("measured on", fmt::format("{} images, {} of {} steps", bits.value("images", 0),
                                                         bits.value("steps", 0), bits.value("original_steps", 0)));
  report.vlb_terms = bits.value("terms", std::vector<double>{});
}

// Of the samples that a JSON object is about, if it says.
void add_pixels(RunReport& report, const nlohmann::json& object) {
  const auto pixels = find_pixels(object);
  if (!pixels) return;
  auto cells = pixel_cells(*pixels);
  report.pixels.header = cells.front();
  report.pixels.rows.insert(report.pixels.rows.end(), cells.begin() + 1, cells.end());
  const std::string remark = brightness_remark(*pixels);
  if (!remark.empty()) report.pixels.remarks.push_back(remark);
}

void add_sample_quality(RunReport& report, const nlohmann::json& section) {
  const auto protocol = section.at("protocol").get<Protocol>();
  require(protocol.features.has_value(), "expected the feature network in the protocol, got none");
  report.figures.emplace_back(
      protocol.features->is_fid ? "FID" : fmt::format("Frechet distance, features of {}", protocol.features->network),
      fmt::format("{:.4g}", section.value("frechet_distance", 0.0)));
  report.figures.emplace_back(
      "measured by", fmt::format("{} samples, measurement {}", protocol.images.count, measurement_id(protocol)));
  add_pixels(report, section);
}

void add_evaluation(RunReport& report, const fs::path& file) {
  if (!fs::exists(file)) return;
  const auto json = parse_json(read_file(file), file.string());
  const bool likelihood = json.is_object() && json.contains("bits_per_dimension");
  const bool samples = json.is_object() && json.contains("sample_quality");
  require(likelihood || samples, "'{}' is not an evaluation of iddpm evaluate", file.string());
  try {
    if (likelihood) add_likelihood(report, json["bits_per_dimension"]);
    if (samples) add_sample_quality(report, json["sample_quality"]);
    report.timings.emplace_back("Evaluation", format_duration(json.value("seconds", 0.0)));
  } catch (const nlohmann::json::exception& error) {
    fail("'{}' is not an evaluation of iddpm evaluate: {}", file.string(), error.what());
  } catch (const Error& error) {
    fail("'{}' is not an evaluation of iddpm evaluate: {}", file.string(), error.what());
  }
}

void add_final_samples(RunReport& report, const fs::path& folder) {
  if (!fs::exists(folder / "grid.png")) return;
  report.final_samples = read_image(folder / "grid.png");
  if (!fs::exists(folder / "samples.json")) return;
  const auto json = parse_json(read_file(folder / "samples.json"), (folder / "samples.json").string());
  if (!json.is_object() || json.value("state", "finished") != "finished") return;
  report.final_samples_caption =
      fmt::format("{} samples, {} sampler, {} steps, seed {}", json.value("count", 0), json.value("sampler", ""),
                  json.value("steps", ""), json.value("seed", std::uint64_t{0}));
  report.timings.emplace_back(
      "Sampling", fmt::format("{} for {} images ({:.1f} images/s)", format_duration(json.value("seconds", 0.0)),
                              json.value("count", 0), json.value("images_per_second", 0.0)));
  try {
    add_pixels(report, json);
  } catch (const Error& error) {
    fail("'{}' is not a record of iddpm sample: {}", (folder / "samples.json").string(), error.what());
  }
}

}  // namespace

fs::path write_run_report(const fs::path& run_folder, std::shared_ptr<const Dataset> dataset) {
  const RunRecord record = load_run_record(run_folder);
  const Checkpoint checkpoint(find_model(run_folder));
  const CheckpointInfo& info = checkpoint.info();
  const std::vector<LoggedStep> log = read_metrics_log(run_folder);

  RunReport report;
  report.title = fmt::format("iddpm: {}", run_folder.filename().string());
  const UNetOptions& network = info.settings.network;
  report.summary = fmt::format(
      "A diffusion model of {}x{} images{} with {} parameters, trained to step {} on {}. Schedule {}, T = {}, "
      "objective {}.",
      network.image_height, network.image_width,
      network.classes > 0 ? fmt::format(" of {} classes", network.classes) : "", format_count(checkpoint.parameters()),
      format_count(info.step), record.data.filename().string(), info.settings.diffusion.schedule,
      info.settings.diffusion.steps, name(info.settings.diffusion.objective));
  report.figures.emplace_back("Steps", format_count(info.step));
  if (!log.empty()) {
    report.figures.emplace_back("Last loss", fmt::format("{:.4f}", log.back().loss));
    report.timings.emplace_back("Training", format_duration(log.back().elapsed_seconds));
    double speed = 0;
    for (const LoggedStep& line : log) speed += line.images_per_second / static_cast<double>(log.size());
    report.timings.emplace_back("Training speed", fmt::format("{:.0f} images/s", speed));
  }
  report.losses = loss_history(log);
  report.samples_during_training = training_samples(run_folder / "samples");
  add_final_samples(report, run_folder / "samples" / "final");
  report.edits = edited_samples(run_folder / "samples");
  add_evaluation(report, run_folder / "evaluation.json");
  report.settings = settings_table(info, info.origin.is_object() ? info.origin : nlohmann::json::object());
  report.settings.emplace_back("preset", record.preset);
  try {
    if (dataset == nullptr) dataset = open_dataset(record.data, record.data_options);
    report.noising_strip = experiments::noising_strip_of(read_batch(*dataset, 0, 1).x_0, info.settings.diffusion);
    report.noising_strip_caption =
        fmt::format("The forward process on the first training image, T = {}", info.settings.diffusion.steps);
  } catch (const Error&) {
    // The data may be gone or elsewhere by now: a report without the strip is still a report.
  }
  const fs::path path = run_folder / "report.html";
  write_run_report(path, report);
  return path;
}

}  // namespace iddpm::cli
