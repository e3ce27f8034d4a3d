#include "iddpm/model/run_folder.h"

#include "iddpm/training/training_state.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

void save_at(Trainer& trainer, const TemporaryFolder& run, int steps) {
  train_steps(trainer, steps - static_cast<int>(trainer.steps_done()));
  fs::create_directories(run / "checkpoints");
  trainer.save(checkpoint_path(run.path(), steps));
}

std::vector<std::int64_t> steps_in(const fs::path& folder) {
  std::vector<std::int64_t> steps;
  for (const RunCheckpoint& checkpoint : list_checkpoints(folder)) steps.push_back(checkpoint.step);
  return steps;
}

}  // namespace

TEST(RunFolder, ListsModelFilesByStepAndNothingElse) {
  const TemporaryFolder run;
  fs::create_directories(run / "checkpoints");
  for (const char* name :
       {"step_00000010.safetensors", "step_00000009.safetensors", "step_123456789.safetensors",
        "step_00000010.training.safetensors", "step_00000010.pairwise_bound.safetensors", "step_.safetensors",
        "step_-1.safetensors", "step_1x.safetensors", "model.safetensors", ".safetensors"}) {
    write_file_atomically(run / "checkpoints" / name, "");
  }
  EXPECT_EQ(steps_in(run.path()), (std::vector<std::int64_t>{9, 10, 123456789}));
  EXPECT_EQ(steps_in(run / "checkpoints"), (std::vector<std::int64_t>{9, 10, 123456789}));
  EXPECT_EQ(training_state_path("a/step_1.safetensors"), "a/step_1.training.safetensors");
  EXPECT_EQ(pairwise_bound_path("a/step_1.safetensors"), "a/step_1.pairwise_bound.safetensors");
}

TEST(FindCheckpoint, TakesTheNewestOfARun) {
  const TemporaryFolder run;
  Trainer trainer(tiny_model(), tiny_training());
  save_at(trainer, run, 1);
  save_at(trainer, run, 2);
  EXPECT_EQ(find_checkpoint(run.path()), checkpoint_path(run.path(), 2));
  EXPECT_EQ(find_checkpoint(checkpoint_path(run.path(), 1)), checkpoint_path(run.path(), 1));
}

TEST(FindCheckpoint, PassesOverBrokenOnesAndSaysSo) {
  const TemporaryFolder run;
  Trainer trainer(tiny_model(), tiny_training());
  for (const int step : {1, 2, 3}) save_at(trainer, run, step);
  const fs::path third = checkpoint_path(run.path(), 3);
  fs::resize_file(third, fs::file_size(third) / 2);
  std::vector<std::string> skipped;
  EXPECT_EQ(find_checkpoint(run.path(), &skipped), checkpoint_path(run.path(), 2));
  ASSERT_EQ(skipped.size(), 1u);
  EXPECT_TRUE(contains(skipped[0], third.string()));

  // Without its state, a model can be sampled from, but training can't go on from it.
  fs::resize_file(training_state_path(checkpoint_path(run.path(), 2)), 1000);
  EXPECT_EQ(find_checkpoint(run.path()), checkpoint_path(run.path(), 2));
  EXPECT_EQ(find_resumable_checkpoint(run.path()), checkpoint_path(run.path(), 1));
}

TEST(FindCheckpoint, OfNothingIsAnError) {
  const TemporaryFolder run;
  EXPECT_TRUE(contains(error_of([&] { find_checkpoint(run.path()); }), "holds no checkpoint"));
  EXPECT_TRUE(contains(error_of([&] { find_checkpoint(run / "nothing"); }), "doesn't exist"));
  fs::create_directories(run / "checkpoints");
  write_file_atomically(checkpoint_path(run.path(), 5), "broken");
  EXPECT_TRUE(contains(error_of([&] { find_checkpoint(run.path()); }), "no checkpoint that is whole"));
}

TEST(RunFolder, RetentionDeletesTheOldestWithTheirState) {
  const TemporaryFolder run;
  Trainer trainer(tiny_model(), tiny_training());
  for (const int step : {1, 2, 3, 4}) save_at(trainer, run, step);
  write_file_atomically(pairwise_bound_path(checkpoint_path(run.path(), 1)), "");
  write_file_atomically(trajectory_table_path(checkpoint_path(run.path(), 1)), "");
  remove_old_checkpoints(run.path(), 2, 3);
  EXPECT_EQ(steps_in(run.path()), (std::vector<std::int64_t>{2, 3, 4})) << "a later one is left alone";
  EXPECT_FALSE(fs::exists(training_state_path(checkpoint_path(run.path(), 1))));
  EXPECT_FALSE(fs::exists(pairwise_bound_path(checkpoint_path(run.path(), 1))));
  EXPECT_FALSE(fs::exists(trajectory_table_path(checkpoint_path(run.path(), 1))));
  remove_old_checkpoints(run.path(), 0, 4);
  EXPECT_EQ(steps_in(run.path()), std::vector<std::int64_t>{4}) << "the newest stays";
  EXPECT_TRUE(fs::exists(training_state_path(checkpoint_path(run.path(), 4))));
}

TEST(RunFolder, RetentionDoesNotCountDamagedCheckpoints) {
  const TemporaryFolder run;
  Trainer trainer(tiny_model(), tiny_training());
  for (const int step : {1, 2, 3, 4}) save_at(trainer, run, step);
  fs::resize_file(checkpoint_path(run.path(), 4), 100);
  fs::resize_file(training_state_path(checkpoint_path(run.path(), 3)), 100);
  remove_old_checkpoints(run.path(), 1, 4,
                         [](const RunCheckpoint& checkpoint) { return is_resumable(checkpoint.path); });
  EXPECT_EQ(steps_in(run.path()), (std::vector<std::int64_t>{2, 3, 4})) << "2 is the newest that is whole";
}

}  // namespace iddpm
