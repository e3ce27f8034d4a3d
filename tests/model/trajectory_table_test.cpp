#include "iddpm/model/trajectory_table.h"

#include <algorithm>

#include "iddpm/io/file_hash.h"
#include "iddpm/io/safetensors.h"
#include "iddpm/model/run_folder.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

class TrajectoryTableOfAModel : public ::testing::Test {
 protected:
  TrajectoryTableOfAModel() {
    Trainer trainer(tiny_model(), tiny_training());
    train_steps(trainer, 1);
    trainer.save(path_);
  }
  TrajectoryTable measure(TrajectoryTableOptions options = {.count = 5, .candidates = 4, .batch = 2}) {
    return measure_trajectories(Model::open(path_, {.precision = Precision::float32}), options);
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_ / "model.safetensors";
  fs::path file_ = folder_ / "model.trajectories.safetensors";
};

}  // namespace

TEST_F(TrajectoryTableOfAModel, IsOfAllItsImagesWhateverTheBatch) {
  const TrajectoryTable table = measure();
  EXPECT_EQ(table.timesteps.size(), 4U);
  EXPECT_EQ(table.trajectories.images(), 5);
  EXPECT_EQ(table.checkpoint_sha256, sha256_of_file(path_));
  const TrajectoryTable at_once = measure({.count = 5, .candidates = 4, .batch = 5});
  const double least =
      1e-4 * *std::max_element(table.trajectories.deviations().begin(), table.trajectories.deviations().end());
  for (std::size_t i = 0; i < table.trajectories.deviations().size(); ++i) {
    EXPECT_NEAR(table.trajectories.deviations()[i], at_once.trajectories.deviations()[i], least);
  }
  for (const std::int64_t count : {1, 3, 4}) {
    const std::vector<std::int64_t> best = table.best_timesteps(count);
    EXPECT_EQ(static_cast<std::int64_t>(best.size()), count);
    EXPECT_EQ(best.back(), table.timesteps.back());
    EXPECT_TRUE(std::is_sorted(best.begin(), best.end()));
  }
  EXPECT_EQ(table.best_timesteps(4), table.timesteps);
}

TEST_F(TrajectoryTableOfAModel, IsReadBackAsItWasSaved) {
  const TrajectoryTable table = measure();
  save_trajectory_table(file_, table);
  EXPECT_EQ(trajectory_table_path(path_), file_);
  const TrajectoryTable read = load_measured_trajectories(path_, "ema 0.9");
  EXPECT_EQ(read.timesteps, table.timesteps);
  EXPECT_EQ(read.trajectories.deviations(), table.trajectories.deviations());
  EXPECT_EQ(read.process_steps, table.process_steps);
  expect_error([&] { load_measured_trajectories(path_, "raw"); }, {"ema 0.9", "not 'raw'", "--by trajectories --raw"});
}

TEST_F(TrajectoryTableOfAModel, IsRefusedIfItIsOfAnotherModelOrInconsistent) {
  const TrajectoryTable table = measure();
  expect_error([&] { load_measured_trajectories(path_, "ema 0.9"); }, {"have not been measured", "iddpm respace"});
  TrajectoryTable other = table;
  other.checkpoint_sha256 = "ab";
  save_trajectory_table(file_, other);
  expect_error([&] { load_measured_trajectories(path_, "ema 0.9"); }, {"another model file"});
  other = table;
  std::swap(other.timesteps[0], other.timesteps[1]);
  save_trajectory_table(file_, other);
  expect_error([&] { load_trajectory_table(file_); }, {file_.string(), "ascending timesteps"});
  other = table;
  other.timesteps.pop_back();
  save_trajectory_table(file_, other);
  expect_error([&] { load_trajectory_table(file_); }, {file_.string(), "deviations", "[12]"});
  fs::copy_file(path_, file_, fs::copy_options::overwrite_existing);
  expect_error([&] { load_trajectory_table(file_); }, {file_.string(), "iddpm trajectories 1"});
}

TEST_F(TrajectoryTableOfAModel, NeedsOptionsThatCanBe) {
  expect_error([&] { measure({.count = 0}); }, {"at least 1 image"});
  expect_error([&] { measure({.candidates = 1001}); }, {"1 to 1000", "got 1001"});
}

}  // namespace iddpm
