#include "iddpm/kernels/kernel_options.h"
#include "tests/launch_counter.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

// The network of the paper's CIFAR-10 run, with as many layers and a quarter of the channels.
Trainer trainer_of_cifar10() {
  const Preset& preset = find_preset("cifar10");
  ModelSettings model = preset.model;
  model.network.channels = 32;
  TrainingOptions options = preset.training;
  options.batch = 2;
  options.microbatch = 2;
  return Trainer(model, options);
}

// There were 10,700 with an optimiser that went from parameter to parameter; what is left is mostly the network's
// own, dropout's masks and the sum of gradients.
TEST(StepLaunches, DontGrowWithTheNumberOfParameters) {
  const kernels::KernelScope plain({.path = kernels::KernelOptions::Path::reference});
  Trainer trainer = trainer_of_cifar10();
  train_steps(trainer, 1);
  const Batch batch = next_batch(trainer);
  const LaunchCounter counter;
  trainer.step(batch);
  EXPECT_LE(counter.total(), 2800);
}

}  // namespace
}  // namespace iddpm
