#include "iddpm/training/classifier_trainer.h"

#include "iddpm/data/dataset.h"
#include "iddpm/training/classifier_accuracy.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

ClassifierInfo tiny_classifier() {
  const ModelSettings model = tiny_model();
  return {.options = {.network = model.network, .classes = 3, .pool = ClassifierPool::adaptive},
          .diffusion = model.diffusion,
          .class_names = model.class_names,
          .source = "squares"};
}

// Horizontal stripes, vertical ones, and none.
std::shared_ptr<const Dataset> squares() {
  const Tensor stripes = at::arange(8).remainder(2).mul(200).to(at::kByte);
  const Tensor classes = at::stack(
      {stripes.view({8, 1}).expand({8, 8}), stripes.view({1, 8}).expand({8, 8}), at::full({8, 8}, 100, at::kByte)});
  const Tensor labels = at::arange(12, at::kLong).remainder(3);
  return in_memory_dataset({.images = classes.index_select(0, labels).unsqueeze(1),
                            .labels = labels,
                            .class_names = tiny_model().class_names,
                            .source = "squares"});
}

ClassifierTrainingOptions few_steps() { return {.steps = 8, .batch = 6, .learning_rate = 1e-2, .seed = 3}; }

void train(ClassifierTrainer& trainer, std::int64_t steps) {
  BatchLoader loader(
      squares(),
      {.batch = trainer.options().batch, .seed = trainer.options().seed, .first_example = trainer.examples_seen()});
  while (trainer.steps_done() < steps) trainer.step(loader.next());
}

}  // namespace

TEST(ClassifierTrainer, GoesOnBitForBit) {
  const TemporaryFolder folder;
  ClassifierTrainer straight(tiny_classifier(), few_steps());
  train(straight, 8);
  {
    ClassifierTrainer first(tiny_classifier(), few_steps());
    train(first, 5);
    first.save(folder / "half", {{"path", "squares"}});
  }
  ClassifierTrainer second(tiny_classifier(), few_steps());
  second.restore(folder / "half", {{"path", "squares"}});
  EXPECT_EQ(second.steps_done(), 5);
  train(second, 8);
  EXPECT_TRUE(second.is_done());
  EXPECT_EQ(second.classifier().checksum(), straight.classifier().checksum());
}

TEST(ClassifierTrainer, DoesNotGoOnWithAnotherTraining) {
  const TemporaryFolder folder;
  ClassifierTrainer first(tiny_classifier(), few_steps());
  train(first, 1);
  first.save(folder / "half", {{"path", "squares"}});
  const auto refused = [&](const ClassifierInfo& info, const ClassifierTrainingOptions& options,
                           const std::string& path) {
    ClassifierTrainer other(info, options);
    return error_of([&] { other.restore(folder / "half", {{"path", path}}); });
  };
  EXPECT_EQ(refused(tiny_classifier(), few_steps(), "squares"), "");
  EXPECT_TRUE(contains(refused(tiny_classifier(), few_steps(), "others"), "data/path differs"));
  ClassifierTrainingOptions options = few_steps();
  options.steps = 9;
  EXPECT_TRUE(contains(refused(tiny_classifier(), options, "squares"), "training/steps differs"));
  ClassifierInfo info = tiny_classifier();
  info.diffusion.schedule = "linear";
  EXPECT_TRUE(contains(refused(info, few_steps(), "squares"), "diffusion/schedule differs"));
  std::filesystem::resize_file(folder / "half", std::filesystem::file_size(folder / "half") - 4);
  EXPECT_NE(refused(tiny_classifier(), few_steps(), "squares"), "");
}

TEST(ClassifierTrainer, LearnsToTellClassesApartWhereThereIsLittleNoise) {
  ClassifierTrainingOptions options = few_steps();
  options.steps = 60;
  ClassifierInfo info = tiny_classifier();
  info.diffusion.steps = 50;
  info.options.pool = ClassifierPool::spatial;
  ClassifierTrainer trainer(info, options);
  train(trainer, 60);
  std::vector<std::string> skipped;
  const ClassifierAccuracy accuracy = measure_accuracy(trainer.classifier(), *squares(), 0, skipped);
  EXPECT_EQ(accuracy.images, 12);
  EXPECT_EQ(accuracy.at_noise_levels.size(), 8U);
  EXPECT_GT(accuracy.at_noise_levels.front().accuracy, 0.9);
  EXPECT_LT(accuracy.at_noise_levels.front().noise_level, accuracy.at_noise_levels.back().noise_level);
}

TEST(ClassifierTrainer, RefusesWhatItCannotTrain) {
  ClassifierInfo info = tiny_classifier();
  info.options.classes = 1;
  EXPECT_TRUE(contains(error_of([&] { ClassifierTrainer(info, few_steps()); }), "at least 2 classes"));
  ClassifierTrainingOptions options = few_steps();
  options.batch = 0;
  EXPECT_TRUE(contains(error_of([&] { ClassifierTrainer(tiny_classifier(), options); }), "'batch'"));
  ClassifierTrainer trainer(tiny_classifier(), few_steps());
  Batch batch{.x_0 = at::zeros({6, 1, 8, 8}), .y = at::zeros({6}, at::kLong), .first_example = 6};
  EXPECT_TRUE(contains(error_of([&] { trainer.step(batch); }), "from example 0 on, got 6 from 6"));
}

}  // namespace iddpm
