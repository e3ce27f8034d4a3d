// Patches, Muon and augmentation through the whole program.

#include "iddpm/io/atomic_file.h"
#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

class TrainingRecipe : public TinyRunTest {};

constexpr const char* recipe =
    "train --data images --preset tiny --blocks 1 --batch 4 --threads 1 --diffusion-steps 20 --patch-size 2 "
    "--patch-transform haar --optimizer muon --adam-betas 0.9,0.99 --augment 0.5 --sample-every 0";

}  // namespace

TEST_F(TrainingRecipe, TrainsResumesExactlyAndSamples) {
  run(std::string(recipe) + " --steps 4 --run straight");
  run(std::string(recipe) + " --steps 2 --run halves");
  run("train --resume halves --steps 4 --threads 1");
  const auto samples_of = [](const std::string& model) {
    run("sample " + model + " --count 2 --steps 3 --seed 1 --threads 1 --grid-only --out of_" + model + " --npz of_" +
        model + ".npz");
    return at("of_" + model + ".npz");
  };
  EXPECT_EQ(read_file(samples_of("straight")), read_file(samples_of("halves")));
  const std::string description = run("info straight");
  for (const char* words : {"patches of 2 x 2 pixels", "haar", "augmentation_condition"}) {
    EXPECT_NE(description.find(words), std::string::npos) << words;
  }
  run("evaluate straight --data images --count 2 --steps 2 --threads 1");
}

TEST_F(TrainingRecipe, IsHeldToWhatARunBeganWith) {
  run("train --data images --preset tiny --batch 4 --threads 1 --steps 1 --run plain --sample-every 0");
  expect_refused("train --resume plain --steps 2 --optimizer muon", {"--optimizer: a run keeps its optimiser"});
  expect_refused("train --resume plain --steps 2 --augment 0.5", {"--augment: the network isn't told"});
  expect_refused("train --resume plain --steps 2 --patch-size 2", {"--patch-size", "--resume"});
  expect_refused("train --data images --preset tiny --run new --augment 0.5 --flip", {"--augment", "without --flip"});
  expect_refused("train --data images --preset tiny --run new --adam-betas 0.9", {"adam_betas: expected two numbers"});
  expect_refused("train --data images --preset tiny --run new --patch-transform haar",
                 {"--patch-transform has no effect without --patch-size"});
}

}  // namespace iddpm::test
