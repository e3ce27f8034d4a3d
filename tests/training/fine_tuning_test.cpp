#include "iddpm/training/fine_tuning.h"

#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

using Names = std::vector<std::string>;

Tensor parameter(const UNet& network, const std::string& wanted) {
  for (const auto& [name, tensor] : network.parameters()) {
    if (name == wanted) return tensor.detach();
  }
  return {};
}

class FineTuning : public ::testing::Test {
 protected:
  FineTuning() : first_(tiny_model(), tiny_training()) {
    train_steps(first_, 2);
    first_.save(folder_ / "model.safetensors");
  }
  Trainer tuned(const Names& classes, TakenOver* taken = nullptr) const {
    ModelSettings settings = tiny_model();
    settings.class_names = classes;
    settings.network.classes = static_cast<std::int64_t>(classes.size());
    TrainingOptions training = tiny_training();
    training.seed += 1;  // or a new row would be what the model's was at its beginning
    return fine_tuned(Checkpoint(folder_ / "model.safetensors"), {.raw = true}, settings, training, at::kCPU, taken);
  }

  TemporaryFolder folder_;
  Trainer first_;
};

}  // namespace

TEST_F(FineTuning, TakesOverWeightsAndBeginsAnew) {
  const Trainer trainer = tuned(tiny_model().class_names);
  EXPECT_EQ(trainer.steps_done(), 0);
  EXPECT_EQ(trainer.examples_seen(), 0);
  const NamedParameters average = trainer.ema_network().parameters();
  const NamedParameters weights = trainer.network().parameters();
  const NamedParameters source = first_.network().parameters();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    EXPECT_TRUE(at::equal(weights[i].second, source[i].second)) << weights[i].first;
    EXPECT_TRUE(at::equal(average[i].second, source[i].second)) << weights[i].first;
  }
}

TEST_F(FineTuning, TakesClassesByNameAndBeginsNewOnesAfresh) {
  const Names names = extended_classes(tiny_model(), {"ape", "Square"});
  EXPECT_EQ(names, (Names{"circle", "Square", "7", "ape"}));
  TakenOver taken;
  const Trainer trainer = tuned({"Square", "ape", "circle"}, &taken);
  EXPECT_EQ(taken.new_classes, Names{"ape"});
  EXPECT_EQ(taken.other_classes, Names{"7"});
  const Tensor embedding = parameter(trainer.network(), "label_emb.weight");
  const Tensor source = parameter(first_.network(), "label_emb.weight");
  EXPECT_TRUE(at::equal(embedding[0], source[1]));
  EXPECT_TRUE(at::equal(embedding[2], source[0]));
  for (int row = 0; row < 3; ++row) EXPECT_FALSE(at::equal(embedding[1], source[row])) << row;
}

TEST_F(FineTuning, MayLeaveOutAllClasses) {
  const Trainer trainer = tuned({});
  EXPECT_FALSE(parameter(trainer.network(), "label_emb.weight").defined());
  EXPECT_TRUE(at::equal(parameter(trainer.network(), "time_embed.0.weight"),
                        parameter(first_.network(), "time_embed.0.weight")));
}

TEST_F(FineTuning, RefusesAnotherNetwork) {
  ModelSettings settings = tiny_model();
  settings.network.residual_blocks = 2;
  EXPECT_TRUE(contains(
      error_of([&] { fine_tuned(Checkpoint(folder_ / "model.safetensors"), {}, settings, tiny_training(), at::kCPU); }),
      "another than the run's"));
}

}  // namespace iddpm
