#include "experiments/workbench.h"

#include <gtest/gtest.h>

#include <fstream>

#include "experiments/finding.h"
#include "iddpm/core/error.h"
#include "iddpm/io/image_file.h"
#include "tests/temporary_folder.h"

namespace iddpm::experiments {
namespace {

namespace fs = std::filesystem;

// Four grey images of 8 x 8 pixels, a model of milliseconds.
Settings toy_settings(const fs::path& folder) {
  fs::create_directories(folder / "images");
  for (int i = 0; i < 4; ++i) {
    const auto grey = static_cast<std::uint8_t>(60 * i);
    write_png(folder / "images" / (std::to_string(i) + ".png"),
              {.width = 8, .height = 8, .channels = 1, .pixels = std::vector<std::uint8_t>(64, grey)});
  }
  Settings settings;
  settings.data = folder / "images";
  settings.work = folder / "work";
  settings.scale.diffusion_steps = 10;
  settings.scale.channel_multipliers = {1, 1};
  settings.scale.training_steps = 4;
  settings.scale.batch = 2;
  settings.scale.checkpoints = 2;
  return settings;
}

TEST(Workbench, SavesTheModelInTrainingWhenItsProgressIsInterrupted) {
  const TemporaryFolder folder;
  const Settings settings = toy_settings(folder.path());
  Workbench stopped(settings, [](const std::string&, double, const std::string&) { throw Interrupted(); });
  EXPECT_THROW(stopped.model({.name = "tiny"}), Interrupted);

  std::vector<std::string> told;
  Workbench bench(settings, [&](const std::string&, double, const std::string& words) { told.push_back(words); });
  EXPECT_EQ(bench.model({.name = "tiny"}).steps, (std::vector<std::int64_t>{2, 4}));
  ASSERT_EQ(told.size(), 3U) << "one step was done before";
  EXPECT_TRUE(told.front().starts_with("step 2 ")) << told.front();
}

TEST(Workbench, RemembersThatTrainingDiverged) {
  const TemporaryFolder folder;
  Settings settings = toy_settings(folder.path());
  settings.scale.learning_rate = 10;
  const ModelRecipe wild{.name = "wild", .variance = Variance::learned};  // whose logarithm soon overflows
  settings.scale.training_steps = 300;
  std::size_t steps = 0;
  Workbench bench(settings, [&](const std::string&, double, const std::string&) { ++steps; });
  EXPECT_THROW(bench.model(wild), NotFiniteError);
  const std::size_t before = steps;
  EXPECT_THROW(bench.model(wild), NotFiniteError);
  EXPECT_EQ(steps, before) << "trained again towards the same end";
}

TEST(LookInto, MakesAnOutcomeOfAModelThatDiverged) {
  const TemporaryFolder folder;
  Workbench bench(toy_settings(folder.path()));
  const Finding finding{.name = "none", .title = "", .paper = "", .look = [](Workbench&) -> Outcome {
                          throw NotFiniteError("the loss of step 7 is nan");
                        }};
  const Outcome outcome = look_into(finding, bench);
  EXPECT_EQ(outcome.verdict, Verdict::not_shown);
  EXPECT_NE(outcome.found.find("step 7"), std::string::npos);
}

}  // namespace
}  // namespace iddpm::experiments
