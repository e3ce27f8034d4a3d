#include "iddpm/training/run/training_run.h"

#include "iddpm/core/processor_time.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/training/run/metrics_log.h"
#include "iddpm/training/training_state.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

std::shared_ptr<const Dataset> tiny_dataset(std::int64_t images = 25) {
  const Tensor pixels = at::arange(images * 64, at::kLong).mul(37).remainder(251).to(at::kByte);
  return in_memory_dataset({.images = pixels.view({images, 1, 8, 8}),
                            .labels = at::arange(images, at::kLong).remainder(3),
                            .class_names = {"circle", "Square", "7"},
                            .source = "test images"});
}

const std::atomic<bool> go_on = false;

std::vector<std::int64_t> steps_in(const fs::path& run) {
  std::vector<std::int64_t> steps;
  for (const RunCheckpoint& checkpoint : list_checkpoints(run)) steps.push_back(checkpoint.step);
  return steps;
}

}  // namespace

TEST(TrainingRun, EndsAtItsStepsWithLogAndCheckpoints) {
  const TemporaryFolder run;
  Trainer trainer(tiny_model(), tiny_training());
  std::vector<std::int64_t> sampled;
  std::vector<double> fractions;
  const RunObserver observer = {
      .on_step = [&](const StepResult&, double, double fraction) { fractions.push_back(fraction); },
      .on_sample =
          [&](std::int64_t step) {
            sampled.push_back(step);
            return std::optional<Image>();
          }};
  const RunOptions options = {.steps = 7,
                              .log_every = 2,
                              .checkpoint_every = 2,
                              .keep_checkpoints = 2,
                              .sample_at = {0, 1, 4},
                              .sample_every = 4};
  EXPECT_EQ(train(trainer, tiny_dataset(), run.path(), options, observer, go_on), RunEnd::steps_done);
  EXPECT_EQ(steps_in(run.path()), (std::vector<std::int64_t>{6, 7}));
  EXPECT_EQ(sampled, (std::vector<std::int64_t>{0, 1, 4}));
  EXPECT_EQ(fractions.size(), 7u);
  EXPECT_DOUBLE_EQ(fractions.back(), 1.0);
  const auto lines = read_metrics_log(run.path());
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines.back().step, 7);
  EXPECT_TRUE(fs::exists(run / "tensorboard"));
}

TEST(TrainingRun, ResumedGivesTheSameModelAndLog) {
  TrainingOptions training = tiny_training();
  training.random_flip = true;
  const RunOptions ten = {.steps = 10, .log_every = 1};
  const TemporaryFolder straight;
  {
    Trainer trainer(tiny_model(), training);
    train(trainer, tiny_dataset(), straight.path(), ten, {}, go_on);
  }
  const TemporaryFolder resumed;
  {
    Trainer trainer(tiny_model(), training);
    train(trainer, tiny_dataset(), resumed.path(), {.steps = 5, .log_every = 1}, {}, go_on);
  }
  Trainer trainer = Trainer::resume(find_resumable_checkpoint(resumed.path()));
  train(trainer, tiny_dataset(), resumed.path(), ten, {}, go_on);
  for (const auto& path : {checkpoint_path("", 10), training_state_path(checkpoint_path("", 10))}) {
    EXPECT_TRUE(read_file(straight / path.string()) == read_file(resumed / path.string())) << path;
  }
  const auto a = read_metrics_log(straight.path()), b = read_metrics_log(resumed.path());
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].loss, b[i].loss) << i;
  for (std::size_t i = 1; i < b.size(); ++i) EXPECT_GE(b[i].elapsed_seconds, b[i - 1].elapsed_seconds);
}

TEST(TrainingRun, InterruptedSavesAfterTheStepUnderWay) {
  const TemporaryFolder run;
  Trainer trainer(tiny_model(), tiny_training());
  std::atomic<bool> stop = false;
  const RunObserver observer = {.on_step = [&](const StepResult& result, double, double) { stop = result.step == 3; }};
  EXPECT_EQ(train(trainer, tiny_dataset(), run.path(), {}, observer, stop), RunEnd::interrupted);
  EXPECT_EQ(trainer.steps_done(), 3);
  EXPECT_EQ(steps_in(run.path()), std::vector<std::int64_t>{3});
}

TEST(TrainingRun, InterruptedBeforeItsFirstStepSavesNothing) {
  const TemporaryFolder run;
  Trainer trainer(tiny_model(), tiny_training());
  EXPECT_EQ(train(trainer, tiny_dataset(), run.path(), {}, {}, /*stop=*/true), RunEnd::interrupted);
  EXPECT_TRUE(steps_in(run.path()).empty());
}

TEST(TrainingRun, EndsWhenItsTimeIsOver) {
  const TemporaryFolder run;
  Trainer trainer(tiny_model(), tiny_training());
  EXPECT_EQ(train(trainer, tiny_dataset(), run.path(), {.minutes = 0.002}, {}, go_on), RunEnd::time_over);
  EXPECT_EQ(steps_in(run.path()), std::vector<std::int64_t>{trainer.steps_done()});
}

TEST(TrainingRun, EndsWhenItsProcessorTimeIsOver) {
  const TemporaryFolder run;
  Trainer trainer(tiny_model(), tiny_training());
  const double start = processor_seconds();
  EXPECT_EQ(train(trainer, tiny_dataset(), run.path(), {.processor_minutes = 0.002}, {}, go_on), RunEnd::time_over);
  EXPECT_GE(processor_seconds() - start, 0.12);
  EXPECT_EQ(steps_in(run.path()), std::vector<std::int64_t>{trainer.steps_done()});
  // Kept without a decay too: who counts goes on from it.
  EXPECT_GE(Trainer::resume(find_resumable_checkpoint(run.path())).seconds_trained(), 0.12);
}

TEST(TrainingRun, ADecayFollowsTheProcessorTime) {
  const TemporaryFolder run;
  TrainingOptions training = tiny_training();
  training.warmup_steps = 0;
  training.decay = LearningRateDecay::linear;
  training.decay_minutes = 0.004;
  Trainer trainer(tiny_model(), training);
  const double start = processor_seconds();
  RunObserver observer;
  observer.on_step = [&](const StepResult& result, double, double) {
    const double most = (processor_seconds() - start) / 0.24;  // of the decay, at the end of the step
    EXPECT_GE(result.learning_rate, training.learning_rate * (1 - most) - 1e-12);
  };
  train(trainer, tiny_dataset(), run.path(), {.processor_minutes = 0.002, .log_every = 1}, observer, go_on);
  const auto log = read_metrics_log(run.path());
  ASSERT_GE(log.size(), 2U);
  EXPECT_LT(log.back().learning_rate, training.learning_rate);
}

TEST(TrainingRun, HasOneClockOnly) {
  expect_error([] { check(RunOptions{.minutes = 1.0, .processor_minutes = 2.0}); }, {"one of them", "1 and 2"});
  expect_error([] { check(RunOptions{.processor_minutes = 0.0}); }, {"processor minutes", "got 0"});
}

TEST(TrainingRun, ADecayByTimeGoesOnWhereItWasWhenResumed) {
  const TemporaryFolder run;
  TrainingOptions training = tiny_training();
  training.warmup_steps = 0;
  training.decay = LearningRateDecay::linear;
  training.decay_minutes = 1;  // much more than both sessions take
  const RunOptions half = {.minutes = 0.002, .log_every = 1};
  {
    Trainer trainer(tiny_model(), training);
    train(trainer, tiny_dataset(), run.path(), half, {}, go_on);
  }
  Trainer trainer = Trainer::resume(find_resumable_checkpoint(run.path()));
  const double seconds = trainer.seconds_trained();
  EXPECT_GE(seconds, 0.12);
  EXPECT_EQ(trainer.options(), training);
  const std::int64_t step = trainer.steps_done();
  train(trainer, tiny_dataset(), run.path(), half, {}, go_on);
  EXPECT_GE(trainer.seconds_trained(), seconds + 0.12);
  double before = 1;
  for (const LoggedStep& line : read_metrics_log(run.path())) {
    EXPECT_LT(line.learning_rate, before) << line.step;
    EXPECT_TRUE(line.step <= step || line.learning_rate <= training.learning_rate * (1 - seconds / 60));
    before = line.learning_rate;
  }
}

TEST(TrainingRun, StopsAtALossThatIsNotFiniteAndNamesTheLastGoodCheckpoint) {
  const TemporaryFolder run;
  Trainer trainer(tiny_model(), tiny_training());
  const RunObserver observer = {.on_step = [&](const StepResult& result, double, double) {
    if (result.step == 3) trainer.network().parameters()[0].second.detach().fill_(INFINITY);
  }};
  const std::string error = error_of(
      [&] { train(trainer, tiny_dataset(), run.path(), {.steps = 99, .checkpoint_every = 2}, observer, go_on); });
  EXPECT_TRUE(contains(error, "of step 13")) << error;
  EXPECT_TRUE(contains(error, "9 steps before")) << error;
  EXPECT_TRUE(contains(error, checkpoint_path(run.path(), 2).string())) << error;
  EXPECT_TRUE(contains(error, "learning rate lower than 0.001")) << error;
  EXPECT_EQ(steps_in(run.path()), std::vector<std::int64_t>{2});
}

TEST(TrainingRun, ACheckpointWhoseWeightsLedNowhereIsSetAside) {
  const TemporaryFolder run;
  Trainer trainer(tiny_model(), tiny_training());
  const RunObserver observer = {.on_step = [&](const StepResult& result, double, double) {
    if (result.step == 4) trainer.network().parameters()[0].second.detach().fill_(1e38F);
  }};
  const std::string error = error_of(
      [&] { train(trainer, tiny_dataset(), run.path(), {.steps = 99, .checkpoint_every = 2}, observer, go_on); });
  EXPECT_TRUE(contains(error, "last good checkpoint is " + checkpoint_path(run.path(), 2).string())) << error;
  EXPECT_TRUE(contains(error, "step_00000004.diverged.safetensors")) << error;
  EXPECT_EQ(steps_in(run.path()), std::vector<std::int64_t>{2});
  EXPECT_EQ(Trainer::resume(find_resumable_checkpoint(run.path())).steps_done(), 2);
}

TEST(TrainingRun, SkippedStepsAreLoggedAndCheckpointsWaitForAGoodOne) {
  const TemporaryFolder run;
  Trainer trainer(tiny_model(), tiny_training());
  const Tensor parameter = trainer.network().parameters()[0].second.detach();
  Tensor good;
  std::vector<std::int64_t> skipped;
  const RunObserver observer = {.on_step = [&](const StepResult& result, double, double) {
    if (result.skipped) skipped.push_back(result.step);
    if (result.step == 3) {
      good = parameter.clone();
      parameter.fill_(INFINITY);
    }
    if (result.step == 5) parameter.copy_(good);
  }};
  train(trainer, tiny_dataset(), run.path(), {.steps = 7, .log_every = 1, .checkpoint_every = 4}, observer, go_on);
  EXPECT_EQ(skipped, (std::vector<std::int64_t>{4, 5}));
  EXPECT_EQ(steps_in(run.path()), (std::vector<std::int64_t>{6, 7})) << "that of step 4 waited";
  const auto lines = read_metrics_log(run.path());
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[3].step, 6);
  EXPECT_EQ(lines[3].skipped, 2);
  EXPECT_EQ(lines[4].skipped, 0);
  EXPECT_GT(lines[4].gradient_norm, 0);
}

TEST(TrainingRun, KeepsItsCheckpointsWhenSavingFails) {
  const TemporaryFolder run;
  Trainer trainer(tiny_model(), tiny_training());
  const RunObserver observer = {.on_checkpoint = [&](const fs::path&) {
    // The next model file can't be written: its name is taken by a folder.
    fs::create_directories(checkpoint_path(run.path(), 4) / "in the way");
  }};
  const std::string error = error_of([&] {
    train(trainer, tiny_dataset(), run.path(), {.steps = 9, .checkpoint_every = 2, .keep_checkpoints = 1}, observer,
          go_on);
  });
  EXPECT_TRUE(contains(error, checkpoint_path(run.path(), 4).string())) << error;
  EXPECT_EQ(find_resumable_checkpoint(run.path()), checkpoint_path(run.path(), 2));
  EXPECT_FALSE(fs::exists(training_state_path(checkpoint_path(run.path(), 4))));
}

TEST(TrainingRun, KeepsTheOnlyGoodCheckpointWhenNewerOnesAreDamaged) {
  const TemporaryFolder run;
  {
    Trainer trainer(tiny_model(), tiny_training());
    train(trainer, tiny_dataset(), run.path(), {.steps = 4, .checkpoint_every = 2}, {}, go_on);
  }
  fs::resize_file(checkpoint_path(run.path(), 4), 100);
  Trainer trainer = Trainer::resume(find_resumable_checkpoint(run.path()));
  ASSERT_EQ(trainer.steps_done(), 2);
  train(trainer, tiny_dataset(), run.path(), {.steps = 5, .keep_checkpoints = 2}, {}, go_on);
  EXPECT_EQ(steps_in(run.path()), (std::vector<std::int64_t>{2, 4, 5})) << "4 is no good";
}

TEST(TrainingRun, CheckpointsSayWhereTheDataCameFrom) {
  const TemporaryFolder run;
  RunRecord record;
  record.data = "/home/somebody/photos/";
  record.preset = "small";
  save_run_record(run.path(), record);
  Trainer trainer(tiny_model(), tiny_training());
  train(trainer, tiny_dataset(), run.path(), {.steps = 1}, {}, go_on);
  const Checkpoint checkpoint(find_checkpoint(run.path()));
  EXPECT_EQ(checkpoint.info().origin.at("data"), "photos") << "not the path";
  EXPECT_EQ(checkpoint.info().origin.at("preset"), "small");
}

TEST(RunRecord, SurvivesTheFile) {
  const TemporaryFolder folder;
  RunRecord record;
  record.data = "somewhere/images";
  record.data_options = {.image_height = 32,
                         .image_width = 48,
                         .image_channels = 3,
                         .background = 0.5,
                         .labels = LabelSource::csv,
                         .csv = "labels.csv",
                         .split = "test",
                         .cache_bytes = 123};
  record.run = {.steps = 100, .processor_minutes = 2.5, .sample_at = {1, 2}, .workers = 3, .strict = true};
  record.dataset_summary = {{"images", 5}};
  record.preset = "tiny";
  save_run_record(folder / "run", record);
  const RunRecord loaded = load_run_record(folder / "run");
  EXPECT_EQ(loaded.data, record.data);
  EXPECT_EQ(loaded.data_options.image_height, 32);
  EXPECT_EQ(loaded.data_options.image_width, 48);
  EXPECT_EQ(loaded.data_options.image_channels, 3);
  EXPECT_EQ(loaded.data_options.background, 0.5);
  EXPECT_EQ(loaded.data_options.labels, LabelSource::csv);
  EXPECT_EQ(loaded.data_options.csv, "labels.csv");
  EXPECT_EQ(loaded.data_options.split, "test");
  EXPECT_EQ(loaded.data_options.cache_bytes, 123);
  EXPECT_EQ(loaded.run.steps, 100);
  EXPECT_EQ(loaded.run.minutes, std::nullopt);
  EXPECT_EQ(loaded.run.processor_minutes, 2.5);
  EXPECT_EQ(loaded.run.sample_at, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(loaded.run.workers, 3);
  EXPECT_TRUE(loaded.run.strict);
  EXPECT_EQ(loaded.dataset_summary, record.dataset_summary);
  EXPECT_EQ(loaded.preset, "tiny");
  EXPECT_EQ(loaded.run.threads, 0) << "not known";
  EXPECT_FALSE(loaded.training.has_value());
  record.run.threads = 3;
  record.training = tiny_training();
  save_run_record(folder / "run", record);
  EXPECT_EQ(load_run_record(folder / "run").run.threads, 3);
  EXPECT_EQ(load_run_record(folder / "run").training, tiny_training());
}

TEST(RunRecord, ThatIsMissingOrBrokenIsAnError) {
  const TemporaryFolder folder;
  EXPECT_TRUE(contains(error_of([&] { load_run_record(folder.path()); }), "not the folder of a run"));
  write_file_atomically(folder / "run.json", "{}");
  EXPECT_TRUE(contains(error_of([&] { load_run_record(folder.path()); }), "run.json"));
  RunRecord record;
  record.run.log_every = 0;
  save_run_record(folder.path(), record);
  EXPECT_TRUE(contains(error_of([&] { load_run_record(folder.path()); }), "log every"));
}

}  // namespace iddpm
