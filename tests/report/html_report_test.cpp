#include "iddpm/report/html_report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <regex>

#include "iddpm/core/error.h"
#include "iddpm/report/run_report.h"
#include "iddpm/report/unicode_text.h"
#include "tests/report/markup_check.h"

namespace iddpm {
namespace {

const std::vector<std::string_view> kVoidElements = {"meta", "img", "br"};

Image small_image() { return {2, 1, 3, {255, 0, 0, 0, 0, 255}}; }

/// Nothing in the page may make a browser run or load something.
void expect_self_contained(const std::string& html) {
  EXPECT_EQ(markup_fault(html, kVoidElements), "");
  EXPECT_EQ(html.find("http:"), std::string::npos);
  EXPECT_EQ(html.find("https:"), std::string::npos);
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("<link"), std::string::npos);
  EXPECT_EQ(html.find("@import"), std::string::npos);
  EXPECT_EQ(html.find("url("), std::string::npos);
  const std::regex source("(src|href)=\"(?!data:image/(png|webp);base64,)");
  EXPECT_FALSE(std::regex_search(html, source));
}

TEST(Base64, MatchesTheStandardsExamples) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xFF\xFE\xFD"), "//79");
}

TEST(EscapeMarkup, LeavesNothingThatMarkupCouldRead) {
  EXPECT_EQ(escape_markup("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  EXPECT_EQ(escape_markup("grün 衣"), "grün 衣");
  EXPECT_EQ(escape_markup(std::string_view("\0\x1B\t", 3)), "\uFFFD\uFFFD\t");
}

TEST(EscapeMarkup, ReplacesInvalidUtf8) {
  EXPECT_EQ(escape_markup("a\xC3"), "a\uFFFD");
  EXPECT_EQ(escape_markup("\xC0\xAF"), "\uFFFD\uFFFD") << "overlong";
  EXPECT_EQ(escape_markup("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD") << "surrogate";
  EXPECT_EQ(escape_markup("\xF0\x9F\x91\x97"), "\xF0\x9F\x91\x97") << "four bytes are kept";
}

TEST(HtmlReport, EscapesEveryPlaceThatTakesText) {
  const std::string attack = "<script>alert(\"1\")</script>&'";
  HtmlReport report(attack);
  report.heading(attack).paragraph(attack).preformatted(attack).key_values({{attack, attack}});
  report.table({attack}, {{attack}}).image({small_image(), attack}).gallery({{small_image(), attack}});
  report.film(attack, attack).plot({.title = attack}, attack);
  report.details(attack, [&](HtmlReport& inner) { inner.paragraph(attack); });
  expect_self_contained(report.html());
}

TEST(HtmlReport, EmbedsImagesWithTheirPixelsKept) {
  HtmlReport report("images");
  report.image({small_image(), "two pixels", 8});
  const std::string html = report.html();
  EXPECT_NE(html.find("src=\"data:image/png;base64,iVBORw0KGgo"), std::string::npos);
  EXPECT_NE(html.find("width=\"16\" height=\"8\""), std::string::npos);
  EXPECT_NE(html.find("image-rendering: pixelated"), std::string::npos);
  EXPECT_NE(html.find("<figcaption>two pixels</figcaption>"), std::string::npos);
}

TEST(HtmlReport, AlignsColumnsOfNumbers) {
  HtmlReport report("table");
  report.table({"name", "bits/dim"}, {{"linear", "3.73"}, {"cosine", "2.94"}});
  const std::string html = report.html();
  EXPECT_NE(html.find("<td>linear</td><td class=\"number\">3.73</td>"), std::string::npos);
}

TEST(HtmlReport, HasLightAndDarkColours) {
  EXPECT_NE(HtmlReport("").html().find("prefers-color-scheme: dark"), std::string::npos);
}

TEST(HtmlReport, DetailsNest) {
  HtmlReport report("nested");
  report.details("outer", [](HtmlReport& outer) {
    outer.details(
        "inner", [](HtmlReport& inner) { inner.paragraph("deep"); }, /*open=*/true);
  });
  const std::string html = report.html();
  expect_self_contained(html);
  EXPECT_NE(html.find("<details open><summary>inner</summary>\n<p>deep</p>"), std::string::npos);
}

TEST(HtmlReport, RefusesRaggedTables) {
  HtmlReport report("");
  EXPECT_THROW(report.table({"a", "b"}, {{"1"}}), Error);
  EXPECT_THROW(report.heading("x", 1), Error);
}

RunReport full_run_report() {
  RunReport report{.title = "Fashion-MNIST <10 minutes>", .summary = "summary"};
  report.figures = {{"bits/dim", "3.1 ± 0.02"}};
  report.timings = {{"training", "10 min"}};
  report.settings = {{"schedule", "cosine"}};
  for (int i = 0; i < 300; ++i) {
    report.losses.step.push_back(10.0 * i);
    report.losses.total.push_back(1.0 / (i + 1));
    report.losses.mse.push_back(0.9 / (i + 1));
    report.losses.vb.push_back(i % 7 == 0 ? std::nan("") : 0.1 / (i + 1));
    for (auto& quartile : report.losses.quartiles) quartile.push_back(0.5 / (i + 1));
  }
  report.samples_during_training = {{100, small_image()}, {200, small_image()}};
  report.final_samples = small_image();
  report.edits = {{small_image(), "variations of a cat", "RIFF and so on"}};
  report.pixels = {.header = {"pixels", "mean"},
                   .rows = {{"samples", "113.2"}, {"training images", "73.0"}},
                   .remarks = {"The samples are brighter."}};
  report.noising_strip = small_image();
  report.vlb_terms = {1, 0.1, 0.01};
  return report;
}

TEST(RunReport, HoldsAllItsParts) {
  const std::string html = run_report_html(full_run_report());
  expect_self_contained(html);
  for (const char* part :
       {"Fashion-MNIST &lt;10 minutes&gt;", "bits/dim", "3.1 ± 0.02", ">total<", ">vb<", "step 100", "step 200",
        "Timings", "cosine", "Variational bound", "quarter of the timesteps", "<td>training images</td>",
        "<td class=\"number\">113.2</td>", "<p>The samples are brighter.</p>",
        "<figcaption>variations of a cat</figcaption>", "data:image/webp;base64,UklGRiBhbmQgc28gb24="}) {
    EXPECT_NE(html.find(part), std::string::npos) << part;
  }
}

TEST(RunReport, LeavesOutWhatIsNotKnown) {
  const std::string html = run_report_html({.title = "just begun"});
  expect_self_contained(html);
  EXPECT_EQ(html.find("<h2>"), std::string::npos);
}

TEST(RunReport, WorksWithoutALearnedVariance) {
  RunReport report = full_run_report();
  report.losses.vb.clear();
  report.losses.mse.assign(report.losses.step.size(), std::nan(""));
  const std::string html = run_report_html(report);
  EXPECT_EQ(html.find(">vb<"), std::string::npos);
  EXPECT_EQ(html.find(">mse<"), std::string::npos);
  EXPECT_NE(html.find(">total<"), std::string::npos);
}

TEST(LossCurves, PassOverWhatWasNotObserved) {
  LossHistory losses;
  for (int i = 0; i < 100; ++i) {
    losses.step.push_back(i);
    losses.quartiles[2].push_back(i % 2 == 0 ? std::nan("") : 1);
  }
  const LinePlot plot = quartile_plot(losses);
  ASSERT_EQ(plot.series.size(), 2u) << "pale and smooth";
  EXPECT_EQ(plot.series[1].x.size(), 50u);
  EXPECT_EQ(plot.series[1].color, 2);
  losses.mse = {1, 2, 3};
  EXPECT_THROW(loss_plot(losses), Error);
}

TEST(RunReport, IsWrittenAsAFile) {
  const auto path = std::filesystem::temp_directory_path() / "iddpm_run_report_test.html";
  const RunReport report = full_run_report();
  write_run_report(path, report);
  std::ifstream file(path, std::ios::binary);
  const std::string contents{std::istreambuf_iterator<char>(file), {}};
  std::filesystem::remove(path);
  EXPECT_EQ(contents, run_report_html(report));
}

TEST(Smooth, KeepsALevelAndALineAndTheGaps) {
  for (const double value : smooth(std::vector<double>(100, 2.5), 5)) EXPECT_DOUBLE_EQ(value, 2.5);
  const std::vector<double> gap = smooth({1, std::nan(""), 1}, 3);
  EXPECT_TRUE(std::isnan(gap[1]));
  EXPECT_DOUBLE_EQ(gap[2], 1);
  std::vector<double> line(200);
  for (int i = 0; i < 200; ++i) line[i] = i;
  EXPECT_NEAR(smooth(line, 10)[100], 100, 1e-9) << "no lag";
  EXPECT_LT(smooth(line, 100)[0], 10) << "little averaging where curves begin";
  EXPECT_TRUE(smooth({}, 3).empty());
}

TEST(Smooth, ReducesNoise) {
  std::vector<double> noise(400);
  for (int i = 0; i < 400; ++i) noise[i] = i % 2;
  for (int i = 100; i < 300; ++i) EXPECT_NEAR(smooth(noise, 10)[i], 0.5, 0.05);
}

}  // namespace
}  // namespace iddpm
