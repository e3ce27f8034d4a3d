// 10 steps are 5, saving, resuming and 5 more, bit for bit, whatever the options.

#include "iddpm/diffusion/timestep_sampler.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/training/training_state.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

struct Combination {
  std::string name;
  std::function<void(ModelSettings&, TrainingOptions&)> change;
};

const std::vector<Combination> combinations = {
    {"Plain", [](ModelSettings&, TrainingOptions&) {}},
    {"ImportanceSampling",
     [](ModelSettings& model, TrainingOptions& options) {
       model.diffusion.objective = Objective::vlb;
       // Two steps of T and six images: every history is full before the fifth step.
       model.diffusion.steps = 2;
       options.timesteps = TimestepSampling::importance;
     }},
    {"TwoAverages",
     [](ModelSettings&, TrainingOptions& options) {
       options.ema_rates = {0.5, 0.9999};
     }},
    {"NoAverage", [](ModelSettings&, TrainingOptions& options) { options.ema_rates = {}; }},
    {"Dropout", [](ModelSettings& model, TrainingOptions&) { model.network.dropout = 0.3; }},
    {"ClassDropout", [](ModelSettings& model, TrainingOptions&) { model.network.class_dropout = 0.5; }},
    {"Microbatches", [](ModelSettings&, TrainingOptions& options) { options.microbatch = 4; }},
    {"Bfloat16", [](ModelSettings&, TrainingOptions& options) { options.precision = Precision::bfloat16; }},
    {"Decay",
     [](ModelSettings&, TrainingOptions& options) {
       options.decay = LearningRateDecay::cosine;
       options.decay_steps = 12;
       options.weight_decay = 0.1;
     }},
    {"Muon",
     [](ModelSettings&, TrainingOptions& options) {
       options.optimizer = OptimizerKind::muon;
       options.adam_betas = {0.8, 0.99};
       options.weight_decay = 0.1;
     }},
    {"TimestepsByDensity",
     [](ModelSettings&, TrainingOptions& options) { options.timesteps = TimestepSampling::laplace; }},
    {"Augmentation",
     [](ModelSettings& model, TrainingOptions& options) {
       model.network.augmentation_condition = true;
       options.augmentation = 0.5;
     }},
    {"Everything",
     [](ModelSettings& model, TrainingOptions& options) {
       model.network.dropout = 0.2;
       model.network.class_dropout = 0.2;
       model.network.checkpointing = true;
       model.diffusion.objective = Objective::vlb;
       model.diffusion.steps = 2;
       options.timesteps = TimestepSampling::importance;
       options.ema_rates = {0.5, 0.9999};
       options.microbatch = 4;
       options.precision = Precision::bfloat16;
       options.gradient_clip = 0.1;
     }},
};

class ExactResume : public ::testing::TestWithParam<Combination> {};

// Tensors and metadata of a file, byte by byte.
std::string contents(const fs::path& path) { return read_file(path); }

}  // namespace

TEST_P(ExactResume, ChangesNothing) {
  ModelSettings model = tiny_model();
  TrainingOptions options = tiny_training();
  options.batch = 10;
  GetParam().change(model, options);
  const TemporaryFolder folder;

  Trainer straight(model, options);
  train_steps(straight, 10);
  straight.save(folder / "straight.safetensors");

  {
    Trainer first(model, options);
    train_steps(first, 5);
    first.save(folder / "half.safetensors");
  }
  Trainer second = Trainer::resume(folder / "half.safetensors");
  EXPECT_EQ(second.steps_done(), 5);
  EXPECT_EQ(second.examples_seen(), 50);
  EXPECT_EQ(second.options(), options);
  train_steps(second, 5);
  second.save(folder / "resumed.safetensors");

  // Parameters and averages; then moments, history and counters.
  EXPECT_TRUE(contents(folder / "straight.safetensors") == contents(folder / "resumed.safetensors"));
  EXPECT_TRUE(contents(training_state_path(folder / "straight.safetensors")) ==
              contents(training_state_path(folder / "resumed.safetensors")));
  EXPECT_FALSE(contents(folder / "half.safetensors") == contents(folder / "resumed.safetensors"));
}

INSTANTIATE_TEST_SUITE_P(Options, ExactResume, ::testing::ValuesIn(combinations),
                         [](const auto& info) { return info.param.name; });

TEST(Resume, ImportanceSamplingIsInUseInTheTestAbove) {
  // Otherwise resuming would restore a history that changes nothing yet.
  ModelSettings model = tiny_model();
  TrainingOptions options = tiny_training();
  options.batch = 10;
  combinations[1].change(model, options);
  Trainer trainer(model, options);
  train_steps(trainer, 5);
  const TemporaryFolder folder;
  trainer.save(folder / "model.safetensors");
  const TrainingState state = read_training_state(Checkpoint(folder / "model.safetensors"));
  ImportanceTimesteps timesteps(model.diffusion.steps);
  timesteps.restore(state.timestep_history);
  EXPECT_NE(timesteps.probabilities()[0], timesteps.probabilities()[1]);
}

TEST(Resume, KeepsTheOptimiser) {
  Trainer trainer(tiny_model(), tiny_training());
  TrainingOptions options = tiny_training();
  options.optimizer = OptimizerKind::muon;
  EXPECT_TRUE(contains(error_of([&] { trainer.change_options(options); }), "--optimizer: a run keeps its optimiser"));
}

TEST(Resume, NeedsTheStateThatBelongsToTheModel) {
  const TemporaryFolder folder;
  Trainer trainer(tiny_model(), tiny_training());
  train_steps(trainer, 1);
  trainer.save(folder / "a.safetensors");
  TrainingOptions options = tiny_training();
  options.learning_rate = 0.5;
  Trainer other(tiny_model(), options);
  train_steps(other, 1);
  other.save(folder / "b.safetensors");
  fs::copy_file(folder / "b.training.safetensors", folder / "a.training.safetensors",
                fs::copy_options::overwrite_existing);
  EXPECT_TRUE(contains(error_of([&] { Trainer::resume(folder / "a.safetensors"); }), "doesn't belong to"));
  fs::remove(folder / "a.training.safetensors");
  EXPECT_TRUE(contains(error_of([&] { Trainer::resume(folder / "a.safetensors"); }), "a.training.safetensors"));
}

TEST(Resume, FindsAFlippedBitInTheState) {
  const TemporaryFolder folder;
  Trainer trainer(tiny_model(), tiny_training());
  trainer.save(folder / "a.safetensors");
  const fs::path state = folder / "a.training.safetensors";
  std::fstream file(state, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-5, std::ios::end);
  file.put('\x01');
  file.close();
  EXPECT_TRUE(contains(error_of([&] { Trainer::resume(folder / "a.safetensors"); }), "damaged"));
}

}  // namespace iddpm
