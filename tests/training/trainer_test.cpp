#include "iddpm/training/trainer.h"

#include <limits>
#include <memory>
#include <set>

#include "iddpm/io/input_file.h"
#include "iddpm/model/run_folder.h"
#include "iddpm/training/gradient.h"
#include "iddpm/training/training_memory.h"
#include "tests/golden_case.h"
#include "tests/io/hostile_files.h"
#include "tests/operation_counter.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

std::vector<Tensor> copies(const NamedParameters& parameters) {
  std::vector<Tensor> copies;
  for (const auto& [name, parameter] : parameters) copies.push_back(parameter.detach().clone());
  return copies;
}

::testing::AssertionResult close(const UNet& a, const UNet& b, double absolute) {
  const auto x = a.parameters(), y = b.parameters();
  for (std::size_t i = 0; i < x.size(); ++i) {
    auto result = all_close(x[i].second, y[i].second, absolute, 0);
    if (!result) return result << " in " << x[i].first;
  }
  return ::testing::AssertionSuccess();
}

// The batch that follows, with a pixel that is no number.
Batch broken_batch(const Trainer& trainer) {
  Batch batch = next_batch(trainer);
  batch.x_0[1][0][0][0] = std::numeric_limits<float>::quiet_NaN();
  return batch;
}

}  // namespace

TEST(Trainer, ReducesTheLoss) {
  TrainingOptions options = tiny_training();
  options.learning_rate = 3e-3;
  Trainer trainer(tiny_model(), options);
  double first = 0, last = 0;
  for (int i = 0; i < 60; ++i) {
    const double loss = trainer.step(next_batch(trainer)).loss;
    (i < 10 ? first : last) += i < 10 || i >= 50 ? loss / 10 : 0;
  }
  EXPECT_LT(last, 0.8 * first);
}

TEST(Trainer, WeighsTheSquaredErrorAsTheSettingsSay) {
  ModelSettings model = tiny_model();
  model.diffusion.mean = Mean::velocity;
  Trainer own(model, tiny_training());
  model.diffusion.weighting = {.weight = LossWeight::simple, .floor = 0.0};
  Trainer simple(model, tiny_training());
  const StepResult of_own = own.step(next_batch(own)), of_simple = simple.step(next_batch(simple));
  EXPECT_LT(*of_simple.mse, *of_own.mse) << "v's error times alpha_bar";
  EXPECT_EQ(*of_simple.vb, *of_own.vb) << "of the variance alone";
}

TEST(Trainer, RefusesToLearnTheVarianceBesideX0) {
  ModelSettings model = tiny_model();
  model.diffusion.mean = Mean::x_0;
  const std::string error = error_of([&] { Trainer(model, tiny_training()); });
  EXPECT_TRUE(contains(error, "learned_range") && contains(error, "prediction of v")) << error;
}

TEST(Trainer, ReportsWhatAStepSaw) {
  Trainer trainer(tiny_model(), tiny_training());
  const StepResult result = trainer.step(next_batch(trainer));
  EXPECT_EQ(result.step, 1);
  EXPECT_EQ(result.images, 6);
  EXPECT_GT(result.gradient_norm, 0);
  EXPECT_DOUBLE_EQ(result.learning_rate, 1e-3 / 3) << "the warm-up's first step";
  ASSERT_TRUE(result.mse.has_value() && result.vb.has_value());
  EXPECT_NEAR(result.loss, *result.mse + *result.vb, 1e-5);
  EXPECT_EQ(trainer.steps_done(), 1);
  EXPECT_EQ(trainer.examples_seen(), 6);
}

TEST(Trainer, MicrobatchesGiveTheGradientOfTheWholeBatch) {
  for (const std::int64_t microbatch : {1, 4, 5}) {
    TrainingOptions options = tiny_training();
    ModelSettings model = tiny_model();
    model.network.dropout = 0.3;
    model.network.class_dropout = 0.5;
    Trainer whole(model, options);
    options.microbatch = microbatch;
    Trainer parts(model, options);
    const StepResult a = whole.step(next_batch(whole));
    const StepResult b = parts.step(next_batch(parts));
    EXPECT_NEAR(a.loss, b.loss, 1e-5) << microbatch;
    EXPECT_NEAR(a.gradient_norm, b.gradient_norm, 1e-4 * a.gradient_norm) << microbatch;
    // AdamW's first step has the size of the learning rate wherever there is a gradient: a sum in another order may
    // turn the sign of one that is 0 but for rounding.
    EXPECT_TRUE(close(whole.network(), parts.network(), 2.1 * a.learning_rate)) << microbatch;
  }
}

TEST(Trainer, MovesNoFurtherThanItsClippedGradientAllows) {
  // AdamW ignores the gradient's scale; what clipping changes is the moments.
  TrainingOptions options = tiny_training();
  options.gradient_clip = 1e-3;
  Trainer trainer(tiny_model(), options);
  const StepResult result = trainer.step(next_batch(trainer));
  EXPECT_GT(result.gradient_norm, 1e-3) << "reported before clipping";
}

TEST(Trainer, SkipsAStepThatIsNotFinite) {
  Trainer trainer(tiny_model(), tiny_training());
  train_steps(trainer, 2);
  const auto before = copies(trainer.network().parameters());
  const auto ema_before = copies(trainer.ema_network().parameters());
  EXPECT_TRUE(trainer.step(broken_batch(trainer)).skipped);
  const auto after = copies(trainer.network().parameters());
  const auto ema_after = copies(trainer.ema_network().parameters());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(at::equal(before[i], after[i]));
    EXPECT_TRUE(at::equal(ema_before[i], ema_after[i]));
  }
  EXPECT_EQ(trainer.steps_done(), 3);
  EXPECT_EQ(trainer.examples_seen(), 18) << "the data go on";
  EXPECT_EQ(trainer.skipped_steps().all, 1);
  EXPECT_FALSE(trainer.step(next_batch(trainer)).skipped);
  EXPECT_EQ(trainer.skipped_steps().in_a_row, 0);
  EXPECT_EQ(trainer.skipped_steps().all, 1);
}

TEST(Trainer, StopsAfterManyStepsThatAreNotFiniteWithoutChangingAnything) {
  Trainer trainer(tiny_model(), tiny_training());
  train_steps(trainer, 1);
  const auto before = copies(trainer.network().parameters());
  for (std::int64_t i = 0; i < Trainer::most_skipped_in_a_row; ++i) trainer.step(broken_batch(trainer));
  const std::int64_t steps = trainer.steps_done();
  EXPECT_THROW(trainer.step(broken_batch(trainer)), NotFiniteError);
  EXPECT_EQ(trainer.steps_done(), steps);
  const auto after = copies(trainer.network().parameters());
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(at::equal(before[i], after[i]));
  EXPECT_FALSE(trainer.step(next_batch(trainer)).skipped) << "it can go on with what is finite";
}

TEST(Trainer, ResumesExactlyAcrossSkippedSteps) {
  TrainingOptions options = tiny_training();
  options.timesteps = TimestepSampling::importance;
  const auto train_all = [&](const std::set<std::int64_t>& saved_after) {
    const TemporaryFolder folder;
    auto trainer = std::make_unique<Trainer>(tiny_model(), options);
    for (std::int64_t step = 1; step <= 6; ++step) {
      trainer->step(step == 1 || step == 3 || step == 4 ? broken_batch(*trainer) : next_batch(*trainer));
      if (saved_after.count(step) == 0) continue;
      trainer->save(folder / "a.safetensors");
      trainer = std::make_unique<Trainer>(Trainer::resume(folder / "a.safetensors"));
      EXPECT_EQ(trainer->steps_done(), step);
    }
    EXPECT_EQ(trainer->skipped_steps().all, 3);
    trainer->save(folder / "end.safetensors");
    return read_file(folder / "end.safetensors") + read_file(training_state_path(folder / "end.safetensors"));
  };
  const std::string undisturbed = train_all({});
  EXPECT_TRUE(train_all({1, 3, 4}) == undisturbed);
  EXPECT_TRUE(train_all({2, 5}) == undisturbed);
}

TEST(Trainer, RefusesBatchesThatDoNotFit) {
  Trainer trainer(tiny_model(), tiny_training());
  Batch batch = next_batch(trainer);
  batch.first_example = 6;
  EXPECT_TRUE(contains(error_of([&] { trainer.step(batch); }), "begins at example 0"));
  batch = next_batch(trainer);
  batch.x_0 = at::zeros({6, 3, 8, 8});
  EXPECT_TRUE(contains(error_of([&] { trainer.step(batch); }), "[1, 8, 8]"));
  batch = next_batch(trainer);
  batch.y = Tensor();
  EXPECT_TRUE(contains(error_of([&] { trainer.step(batch); }), "3 classes"));
  EXPECT_TRUE(contains(error_of([&] { trainer.step({}); }), "nothing"));
}

TEST(Trainer, RefusesOptionsOutOfRange) {
  TrainingOptions options = tiny_training();
  options.batch = 0;
  EXPECT_TRUE(contains(error_of([&] { Trainer trainer(tiny_model(), options); }), "batch"));
  ModelSettings model = tiny_model();
  model.network.super_resolution = true;
  EXPECT_TRUE(contains(error_of([&] { Trainer trainer(model, tiny_training()); }), "from which size"));
}

TEST(Trainer, AnotherSeedGivesAnotherModel) {
  TrainingOptions options = tiny_training();
  Trainer a(tiny_model(), options);
  options.seed = 6;
  Trainer b(tiny_model(), options);
  EXPECT_FALSE(at::equal(a.network().parameters()[0].second, b.network().parameters()[0].second));
}

TEST(Trainer, StartsFromTheWeightsOfACheckpoint) {
  const TemporaryFolder folder;
  Trainer first(tiny_model(), tiny_training());
  train_steps(first, 2);
  first.save(folder / "model.safetensors");
  const Checkpoint checkpoint(folder / "model.safetensors");
  const Trainer raw = Trainer::from_checkpoint(checkpoint, {.raw = true}, tiny_training());
  EXPECT_TRUE(close(raw.network(), first.network(), 0));
  EXPECT_TRUE(close(raw.ema_network(), first.network(), 0)) << "the averages start anew";
  EXPECT_EQ(raw.steps_done(), 0);
  const Trainer averaged = Trainer::from_checkpoint(checkpoint, {}, tiny_training());
  EXPECT_TRUE(close(averaged.network(), first.ema_network(), 0));
}

TEST(Trainer, KeepsItsGradientsInOnePlace) {
  Trainer trainer(tiny_model(), tiny_training());
  const auto places = [&] {
    std::vector<const void*> places;
    for (const auto& [name, parameter] : trainer.network().parameters()) places.push_back(parameter.grad().data_ptr());
    return places;
  };
  train_steps(trainer, 1);
  const auto before = places();
  train_steps(trainer, 1);
  EXPECT_EQ(places(), before);
}

TEST(Trainer, IsNotMisledByGradientsThatOthersLeftInItsNetwork) {
  Trainer trainer(tiny_model(), tiny_training()), undisturbed(tiny_model(), tiny_training());
  const NamedParameters parameters = trainer.network().parameters();
  train_steps(trainer, 1);
  parameters[0].second.mutable_grad().fill_(1.0);
  parameters[1].second.mutable_grad() = at::ones_like(parameters[1].second).detach();
  train_steps(trainer, 1);
  { const GradientScope releases(parameters); }
  train_steps(trainer, 1);
  train_steps(undisturbed, 3);
  EXPECT_TRUE(close(trainer.network(), undisturbed.network(), 0));
}

// On a device each item would be a wait. Classes are left out: the network looks at their range.
TEST(Trainer, FetchesNothingFromTheDeviceButItsFigures) {
  for (const Objective objective : {Objective::hybrid, Objective::vlb}) {
    for (const std::int64_t microbatch : {6, 1}) {
      ModelSettings model = tiny_model();
      model.network.classes = 0;
      model.class_names = {};
      model.network.dropout = 0.1;
      model.diffusion.objective = objective;
      TrainingOptions options = tiny_training();
      options.microbatch = microbatch;
      options.timesteps = TimestepSampling::importance;
      Trainer trainer(model, options);
      const Batch batch = next_batch(trainer);
      const OperationCounter counter;
      trainer.step(batch);
      EXPECT_EQ(counter.count("aten::item"), 1) << "of the batch's brightness, which is on the host";
    }
  }
}

TEST(TrainingMemory, CountsEverySetOfParameters) {
  TrainingOptions options = tiny_training();
  options.ema_rates = {0.9, 0.99};
  const TrainingMemory memory = estimate_training_memory(tiny_model(), options);
  EXPECT_EQ(memory.parameters, 4 * count(UNet::parameter_shapes(tiny_model().network)));
  EXPECT_EQ(memory.averages, 2 * memory.parameters);
  EXPECT_EQ(memory.optimizer, 2 * memory.parameters);
  EXPECT_EQ(memory.images, 3 * options.batch * 8 * 8 * 4);
  EXPECT_EQ(memory.total(), 6 * memory.parameters + memory.activations + memory.images);
  options.microbatch = 2;
  EXPECT_EQ(3 * estimate_training_memory(tiny_model(), options).activations, memory.activations);
}

TEST(TrainingMemory, MoreThanTheLimitIsRefusedBeforeItIsTakenWithOptionsThatFit) {
  TrainingOptions options = tiny_training();
  options.batch = 1000;
  const TrainingMemory memory = estimate_training_memory(tiny_model(), options);
  {
    const MemoryLimit limit(static_cast<std::uint64_t>(memory.fixed() + memory.images + memory.activations / 100));
    EXPECT_TRUE(contains(error_of([&] { Trainer(tiny_model(), options); }), "expected --microbatch 10"));
    options.microbatch = 10;
    EXPECT_NO_THROW(Trainer(tiny_model(), options));
  }
  {
    const MemoryLimit limit(static_cast<std::uint64_t>(memory.fixed() + memory.images / 2));
    const std::string error = error_of([&] { Trainer(tiny_model(), options); });
    const std::string words = "expected --batch ";
    ASSERT_TRUE(contains(error, words) && contains(error, " --microbatch 1")) << error;
    options.batch = std::stoll(error.substr(error.find(words) + words.size()));
    options.microbatch = 1;
    EXPECT_NO_THROW(Trainer(tiny_model(), options));
    ++options.batch;
    EXPECT_NE(error_of([&] { Trainer(tiny_model(), options); }), "");
  }
  const MemoryLimit limit(static_cast<std::uint64_t>(memory.fixed()));
  EXPECT_TRUE(contains(error_of([&] { Trainer(tiny_model(), options); }), "expected a smaller network"));
}

TEST(TrainingMemory, AResumedRunIsLookedAtWithTheOptionsOfItsSession) {
  const TemporaryFolder folder;
  TrainingOptions options = tiny_training();
  options.batch = 1000;
  Trainer(tiny_model(), options).save(folder / "a.safetensors");
  const TrainingMemory memory = estimate_training_memory(tiny_model(), options);
  const MemoryLimit limit(static_cast<std::uint64_t>(memory.fixed() + memory.images + memory.activations / 100));
  Trainer trainer = Trainer::resume(folder / "a.safetensors");
  EXPECT_TRUE(contains(error_of([&] { trainer.change_options(options); }), "--microbatch 10"));
  options.microbatch = 10;
  EXPECT_NO_THROW(trainer.change_options(options));
}

TEST(Trainer, GoesOnWithOtherOptions) {
  Trainer trainer(tiny_model(), tiny_training());
  train_steps(trainer, 3);
  TrainingOptions options = tiny_training();
  options.learning_rate = 1e-6;
  options.batch = 4;
  options.ema_rates = {0.5, 0.95};
  const Tensor average = trainer.ema_network().parameters()[0].second.clone();
  const Tensor weights = trainer.network().parameters()[0].second.detach().clone();
  ASSERT_FALSE(at::equal(average, weights));
  trainer.change_options(options);
  EXPECT_EQ(trainer.options(), options);
  EXPECT_TRUE(at::equal(trainer.ema_network(0).parameters()[0].second, average)) << "the only one there was";
  EXPECT_TRUE(at::equal(trainer.ema_network(1).parameters()[0].second, average));
  const StepResult result = trainer.step(next_batch(trainer));
  EXPECT_EQ(result.learning_rate, 1e-6);
  EXPECT_EQ(result.images, 4);
  const TemporaryFolder folder;
  trainer.save(folder / "model.safetensors");
  EXPECT_EQ(Trainer::resume(folder / "model.safetensors").options(), options);
}

TEST(Trainer, AnAverageOfANewRateBeginsAsTheNearest) {
  TrainingOptions options = tiny_training();
  options.ema_rates = {0.5, 0.99};
  options.ema_warmup = false;
  Trainer trainer(tiny_model(), options);
  train_steps(trainer, 3);
  const Tensor slow = trainer.ema_network(1).parameters()[0].second.clone();
  options.ema_rates = {0.999};
  trainer.change_options(options);
  EXPECT_TRUE(at::equal(trainer.ema_network().parameters()[0].second, slow));
  options.ema_rates = {};
  trainer.change_options(options);
  options.ema_rates = {0.9};
  trainer.change_options(options);
  EXPECT_TRUE(at::equal(trainer.ema_network().parameters()[0].second, trainer.network().parameters()[0].second));
}

TEST(Trainer, KeepsItsSeed) {
  Trainer trainer(tiny_model(), tiny_training());
  TrainingOptions options = tiny_training();
  options.seed = 6;
  EXPECT_TRUE(contains(error_of([&] { trainer.change_options(options); }), "seed"));
  EXPECT_EQ(trainer.options(), tiny_training());
}

}  // namespace iddpm
