// Data as people have them: what train says of them, and where runs go.

#include <gtest/gtest.h>

#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

namespace fs = std::filesystem;

class Data : public ProgramTest {};

}  // namespace

TEST_F(Data, AreDescribedBeforeTraining) {
  write_tiny_images(at("photos"));
  fs::create_directory(at("photos/.thumbnails"));
  const auto result = run_program(folder(), "train --data photos --dry-run" + tiny_model);
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  for (const char* part : {"Data: 12 images of 8 x 8 pixels", "grey", "2 classes from file names", "dark 6, light 6",
                           "Left out: 1 hidden (.thumbnails)"}) {
    EXPECT_NE(result.errors.find(part), std::string::npos) << part << "\n" << result.errors;
  }
}

TEST_F(Data, AreDescribedToScriptsToo) {
  write_tiny_images(at("pictures"));
  const auto dry = json_of("train --data pictures --split train --dry-run" + tiny_model);
  EXPECT_EQ(dry["data_description"]["images"], 12);
  EXPECT_EQ(dry["data_description"]["classes"].size(), 2U);
  EXPECT_EQ(dry["data_description"]["split"], "train, which is all of it: there is no test split");
  EXPECT_GT(dry["memory_bytes"]["activations"], 0);
  EXPECT_GT(dry["seconds_per_step"], 0);
  EXPECT_EQ(dry["model"]["network"]["image_height"], 8);
  run("train --data pictures --run described --steps 1 --sample-every 0" + tiny_model);
  const auto evaluated = json_of("evaluate described --data pictures --count 2 --steps 2 --threads 1");
  EXPECT_EQ(evaluated["data_description"]["images"], 12);
  expect_refused("train --data pictures --run other --json", {"--json has no effect without --dry-run"});
}

TEST_F(Data, DoNotTakeInTheRunThatIsMadeOfThem) {
  write_tiny_images(at("here"));
  const auto run_here = [&](const std::string& arguments) {
    const auto result = run_program(at("here"), arguments);
    EXPECT_EQ(result.exit_code, 0) << arguments << "\n" << result.errors;
  };
  run_here("train --data . --steps 2 --sample-every 2" + tiny_model);
  EXPECT_TRUE(exists("runs/here/run.json"));
  run_here("train --data . --run inside --steps 2 --sample-every 2" + tiny_model);
  EXPECT_TRUE(exists("here/inside/samples/step_00000002.png"));
  run_here("train --resume inside --steps 3 --threads 1");
}

TEST_F(Data, MayHaveNamesThatAreNotUtf8) {
  const std::string name = "caf\xe9";
  write_tiny_images(at(name));
  fs::rename(at(name) / "dark_0.png", at(name) / "dark_\xff.png");
  run("train --data '" + name + "' --run latin --steps 2 --sample-every 0" + tiny_model);
  run("train --resume latin --steps 3 --threads 1");
}

TEST_F(Data, OfOddSizesFindTheirNetwork) {
  for (const auto& [width, height] : {std::pair<int, int>{60, 40}, {45, 45}, {1000, 50}}) {
    const std::string name = "size" + std::to_string(width);
    fs::create_directories(at(name));
    Image image{.width = width, .height = height, .channels = 1};
    image.pixels.resize(static_cast<std::size_t>(width * height));
    write_png(at(name) / "a.png", image);
    run("train --data " + name + " --dry-run --threads 1 --batch 1 --channels 32 --blocks 1");
  }
}

}  // namespace iddpm::test
