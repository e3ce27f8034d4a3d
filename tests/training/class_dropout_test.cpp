#include "iddpm/training/training_step.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

UNetOptions network_with(double class_dropout) {
  UNetOptions network = tiny_model().network;
  network.class_dropout = class_dropout;
  return network;
}

Batch batch_of(std::int64_t first_example, std::int64_t images) {
  Batch batch;
  batch.x_0 = at::zeros({images, 1, 2, 2});
  batch.y = at::arange(first_example, first_example + images, at::kLong).remainder(3);
  batch.first_example = first_example;
  return batch;
}

Tensor classes_drawn(const Batch& batch, const TrainingOptions& options, const UNetOptions& network) {
  return draw(batch, options, network, UniformTimesteps(4), at::kCPU).y;
}

}  // namespace

TEST(ClassDropout, LeavesOutItsShareOfClassesAndNoOthers) {
  const Batch batch = batch_of(0, 4000);
  const Tensor y = classes_drawn(batch, tiny_training(), network_with(0.1));
  EXPECT_NEAR(y.eq(no_class).to(at::kDouble).mean().item<double>(), 0.1, 0.02);
  EXPECT_TRUE(y.eq(no_class).logical_or(y.eq(batch.y)).all().item<bool>());
  EXPECT_TRUE(at::equal(classes_drawn(batch, tiny_training(), network_with(0)), batch.y));
}

TEST(ClassDropout, IsAFunctionOfTheSeedAndTheExample) {
  const UNetOptions network = network_with(0.5);
  const Tensor whole = classes_drawn(batch_of(10, 40), tiny_training(), network);
  EXPECT_TRUE(at::equal(classes_drawn(batch_of(30, 7), tiny_training(), network), whole.slice(0, 20, 27)));
  TrainingOptions other = tiny_training();
  other.seed = 6;
  EXPECT_FALSE(at::equal(classes_drawn(batch_of(10, 40), other, network), whole));
}

TEST(ClassDropout, TeachesTheNetworkWithoutTheClass) {
  ModelSettings settings = tiny_model();
  Trainer plain(settings, tiny_training());
  settings.network.class_dropout = 0.5;
  Trainer dropped(settings, tiny_training());
  // The first steps move the last convolutions, which begin as zero.
  train_steps(plain, 4);
  train_steps(dropped, 4);
  const auto embedding = [](const Trainer& trainer) {
    for (const auto& [name, parameter] : trainer.network().parameters()) {
      if (name == "label_emb.weight") return parameter.detach();
    }
    return Tensor();
  };
  EXPECT_FALSE(at::equal(embedding(plain), embedding(dropped)));
}

TEST(ClassDropout, IsInTheModelFile) {
  const TemporaryFolder folder;
  ModelSettings settings = tiny_model();
  settings.network.class_dropout = 0.25;
  Trainer(settings, tiny_training()).save(folder / "model.safetensors");
  const Checkpoint checkpoint(folder / "model.safetensors");
  EXPECT_EQ(checkpoint.info().settings.network.class_dropout, 0.25);
  EXPECT_TRUE(contains(describe(checkpoint), "class_dropout             0.25"));
}

}  // namespace iddpm
