#include "iddpm/training/run/metrics_log.h"

#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

StepResult step_with(std::int64_t step, double loss) {
  StepResult result = {.step = step, .loss = loss, .gradient_norm = 2, .learning_rate = 1e-3, .images = 4};
  result.mse = loss / 2;
  result.loss_by_quartile[step % 4] = loss;
  return result;
}

void append(const std::filesystem::path& path, const std::string& text) { std::ofstream(path, std::ios::app) << text; }

}  // namespace

TEST(MetricsLog, WritesMeansSinceTheLastLine) {
  const TemporaryFolder run;
  {
    MetricsLog log(run.path());
    log.record(step_with(1, 1.0), 10, 0.5, 0.125);
    log.record(step_with(2, 3.0), 20, 1.5, 0.375);
    log.flush();
    log.flush();
    log.record(step_with(3, 5.0), 30, 2.5);
    log.flush();
  }
  const auto lines = read_metrics_log(run.path());
  ASSERT_EQ(lines.size(), 2u) << "nothing recorded, nothing written";
  EXPECT_EQ(lines[0].step, 2);
  EXPECT_EQ(lines[0].loss, 2.0);
  EXPECT_EQ(lines[0].mse, 1.0);
  EXPECT_EQ(lines[0].vb, std::nullopt);
  EXPECT_EQ(lines[0].loss_by_quartile[1], 1.0);
  EXPECT_EQ(lines[0].loss_by_quartile[2], 3.0);
  EXPECT_EQ(lines[0].loss_by_quartile[0], std::nullopt);
  EXPECT_EQ(lines[0].images_per_second, 15);
  EXPECT_EQ(lines[0].elapsed_seconds, 1.5);
  EXPECT_EQ(lines[0].data_wait_seconds, 0.25);
  EXPECT_EQ(lines[1].loss, 5.0);
}

TEST(MetricsLog, ResumedAtAStepCutsOffWhatCameAfter) {
  const TemporaryFolder run;
  {
    MetricsLog log(run.path());
    for (int step = 1; step <= 4; ++step) {
      log.record(step_with(step, step), 1, step);
      log.flush();
    }
  }
  append(run / "log.jsonl", "{\"step\": 5, \"lo");
  EXPECT_EQ(read_metrics_log(run.path()).size(), 4u) << "a line that was cut off is ignored";
  {
    MetricsLog log(run.path(), 2);
    log.record(step_with(3, 30), 1, 3);
    log.flush();
  }
  const auto lines = read_metrics_log(run.path());
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1].loss, 2);
  EXPECT_EQ(lines[2].loss, 30);
}

TEST(MetricsLog, ABrokenLineIsPassedOverAndNamed) {
  const TemporaryFolder run;
  append(run / "log.jsonl", "{\"step\": 1}\n");
  {
    MetricsLog log(run.path(), 1);
    log.record(step_with(2, 20), 1, 2);
    log.flush();
  }
  append(run / "log.jsonl", std::string("\0\0\0\n", 4));
  std::vector<std::string> skipped;
  ASSERT_EQ(read_metrics_log(run.path(), &skipped).size(), 1u);
  ASSERT_FALSE(skipped.empty());
  EXPECT_TRUE(contains(skipped.back(), "log.jsonl, line")) << skipped.back();
  {
    MetricsLog log(run.path(), 2);
    log.record(step_with(3, 30), 1, 3);
    log.flush();
  }
  EXPECT_EQ(read_metrics_log(run.path()).back().loss, 30) << "a run can go on over it";
}

TEST(MetricsLog, UnreadableLinesAreCountedBeyondTheFirst) {
  const TemporaryFolder run;
  run.write("log.jsonl", std::string(100'000, '\n'));
  std::vector<std::string> skipped;
  EXPECT_TRUE(read_metrics_log(run.path(), &skipped).empty());
  ASSERT_EQ(skipped.size(), 21u);
  EXPECT_TRUE(contains(skipped.back(), "99980 more lines")) << skipped.back();
}

TEST(MetricsLog, OfARunWithoutOneIsEmpty) {
  const TemporaryFolder run;
  EXPECT_TRUE(read_metrics_log(run.path()).empty());
}

}  // namespace iddpm
