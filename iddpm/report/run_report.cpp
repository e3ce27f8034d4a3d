#include "iddpm/report/run_report.h"

#include <utility>

#include "iddpm/report/process_figures.h"

namespace iddpm {
namespace {

/// Narrow pictures are shown enlarged; labelled grids and strips come in a comfortable size.
constexpr std::int64_t kEnlargedBelow = 320;

ReportImage report_image(const Image& image, std::string caption) {
  return {image, std::move(caption), image.width < kEnlargedBelow ? 2 : 1};
}

void add_results(const RunReport& report, HtmlReport& page) {
  if (!report.figures.empty()) page.heading("Results").key_values(report.figures);
  if (report.final_samples) {
    page.heading("Samples").image(report_image(*report.final_samples, report.final_samples_caption));
  }
  if (report.nearest_images) {
    page.heading("Nearest training images").image(report_image(*report.nearest_images, report.nearest_images_caption));
  }
  if (!report.edits.empty()) {
    page.heading("Edits and films");
    for (const EditedSamples& edit : report.edits) {
      page.image(report_image(edit.picture, edit.caption));
      if (!edit.film.empty()) page.film(edit.film, "The same being drawn");
    }
  }
  if (!report.pixels.rows.empty()) {
    page.heading("Brightness of samples").table(report.pixels.header, report.pixels.rows);
    for (const std::string& remark : report.pixels.remarks) page.paragraph(remark);
  }
}

void add_training(const RunReport& report, HtmlReport& page) {
  if (!report.losses.step.empty()) {
    page.heading("Loss");
    page.plot(loss_plot(report.losses),
              "Pale: logged values. Bold: smoothed over about 2 % of the run to either side.");
    const LinePlot quartiles = quartile_plot(report.losses);
    if (!quartiles.series.empty())
      page.plot(quartiles, "Mean loss of the timesteps drawn from each quarter of the process.");
  }
  if (!report.samples_during_training.empty()) {
    page.heading("Samples during training");
    std::vector<ReportImage> images;
    for (const auto& [step, image] : report.samples_during_training) {
      images.push_back(report_image(image, fmt::format("step {}", step)));
    }
    page.gallery(images);
  }
}

void add_process(const RunReport& report, HtmlReport& page) {
  if (report.noising_strip) {
    page.heading("The forward process").image(report_image(*report.noising_strip, report.noising_strip_caption));
  }
  if (!report.vlb_terms.empty()) {
    page.heading("Variational bound");
    page.plot(vlb_terms_plot({{"", report.vlb_terms}}),
              "How much each step of the process costs; the bound is their sum.");
  }
}

HtmlReport run_page(const RunReport& report) {
  HtmlReport page(report.title);
  if (!report.summary.empty()) page.paragraph(report.summary);
  add_results(report, page);
  add_training(report, page);
  add_process(report, page);
  if (!report.timings.empty()) page.heading("Timings").key_values(report.timings);
  if (!report.settings.empty()) {
    page.heading("Settings")
        .details(
            "All settings of this run", [&](HtmlReport& inner) { inner.key_values(report.settings); }, /*open=*/true);
  }
  return page;
}

}  // namespace

std::string run_report_html(const RunReport& report) { return run_page(report).html(); }

void write_run_report(const std::filesystem::path& path, const RunReport& report) { run_page(report).write(path); }

}  // namespace iddpm
