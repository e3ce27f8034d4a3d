#include "experiments/timed_training.h"

#include <gtest/gtest.h>

#include "experiments/dcgan_runs.h"
#include "experiments/training_arm.h"
#include "iddpm/core/error.h"
#include "iddpm/io/image_file.h"
#include "iddpm/training/trainer.h"
#include "tests/temporary_folder.h"

namespace iddpm::experiments {
namespace {

namespace fs = std::filesystem;

const std::vector<double> marks = {0.05, 0.1};

Settings settings_of_grey_images(const fs::path& folder) {
  fs::create_directories(folder / "images");
  for (int i = 0; i < 4; ++i) {
    write_png(folder / "images" / (std::to_string(i) + ".png"),
              {.width = 16, .height = 16, .channels = 1, .pixels = std::vector<std::uint8_t>(256, 200)});
  }
  Settings settings;
  settings.data = folder / "images";
  settings.work = folder / "work";
  return settings;
}

TEST(TrainedFor, StopsAtEachMarkAndDecaysToTheLast) {
  const TemporaryFolder folder;
  Workbench bench(settings_of_grey_images(folder.path()));
  const TrainingArm arm = parse_arm("a: --batch 2 --decay linear", "tiny", bench);
  const TimedRun run = trained_for(bench, arm.name, arm.preset, marks);
  ASSERT_EQ(run.checkpoints.size(), 2U);
  for (std::size_t k = 0; k < marks.size(); ++k) {
    EXPECT_GE(run.seconds[k], marks[k]);
    const Trainer trainer = Trainer::resume(run.checkpoints[k]);
    EXPECT_EQ(trainer.steps_done(), run.steps[k]);
    EXPECT_EQ(trainer.options().decay_minutes, marks.back() / 60);
  }
  EXPECT_LE(run.steps[0], run.steps[1]);
  EXPECT_GE(bench.seconds(), marks.back());
}

TEST(TrainedFor, TakesWhatIsThereAndGoesOnWhereItWasInterrupted) {
  const TemporaryFolder folder;
  const Settings settings = settings_of_grey_images(folder.path());
  Workbench stopped(settings, [](const std::string&, double, const std::string&) { throw Interrupted(); });
  const TrainingArm arm = parse_arm("a: --batch 2", "tiny", stopped);
  const std::vector<double> far = {1e-4, 0.5};  // the first is over before the first step
  EXPECT_THROW(trained_for(stopped, arm.name, arm.preset, far), Interrupted);
  std::int64_t steps = 0;
  Workbench bench(settings, [&](const std::string&, double, const std::string&) { ++steps; });
  const TimedRun run = trained_for(bench, arm.name, arm.preset, far);
  EXPECT_EQ(steps, run.steps.back() - 1) << "one step was done before";
  EXPECT_GE(run.seconds.back(), 0.5);
  const TimedRun again = trained_for(bench, arm.name, arm.preset, far);
  EXPECT_EQ(steps, run.steps.back() - 1) << "trained again";
  EXPECT_EQ(again.seconds, run.seconds);
  EXPECT_EQ(again.checkpoints, run.checkpoints);
}

TEST(TrainedDcgan, StopsAtEachMarkAndIsTakenAsItIs) {
  const TemporaryFolder folder;
  Workbench bench(settings_of_grey_images(folder.path()));
  const auto options = dcgan_options(bench, 1e-3, 5);
  EXPECT_EQ(options.learning_rate, 1e-3);
  EXPECT_EQ(options.seed, 5U);
  const auto files = trained_dcgan(bench, options, marks);
  ASSERT_EQ(files.size(), 2U);
  std::vector<double> seconds;
  for (const fs::path& file : files) seconds.push_back(baselines::Dcgan::load(file).processor_seconds());
  EXPECT_GE(seconds[0], marks[0]);
  EXPECT_GE(seconds[1], marks[1]);
  const auto times = fs::last_write_time(files.back());
  EXPECT_EQ(trained_dcgan(bench, options, marks), files);
  EXPECT_EQ(fs::last_write_time(files.back()), times);
  EXPECT_NE(trained_dcgan(bench, dcgan_options(bench, 2e-3, 5), marks), files) << "another rate is another training";
}

TEST(BestLearningRate, IsThatOfTheLeastDistance) {
  GanPlan plan;
  plan.learning_rates = {3e-4};
  EXPECT_EQ(best_learning_rate({}, plan), 3e-4);
  EXPECT_EQ(best_learning_rate({{1e-4, 5.0}, {2e-4, 3.0}, {4e-4, 4.0}}, plan), 2e-4);
}

}  // namespace
}  // namespace iddpm::experiments
