// The options that follow from lists of settings (iddpm/core/fields.h).

#include <gtest/gtest.h>

#include "iddpm/diffusion/settings.h"
#include "iddpm/nn/unet_options.h"
#include "iddpm/training/training_options.h"
#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

template <typename Settings>
void expect_every_option_in(const std::string& help) {
  Settings settings;
  visit_fields(settings, [&](const Field& field, const FieldMember&) {
    if (field.option == nullptr) return;
    const std::string names = field.option;
    EXPECT_NE(help.find(names.substr(0, names.find(',')) + (names.find(',') == std::string::npos ? " " : ",")),
              std::string::npos)
        << names;
  });
}

}  // namespace

TEST(FieldOptions, AreAllInTheHelpOfTrain) {
  const TemporaryFolder folder;
  const ProgramResult result = run_program(folder.path(), "train --help");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  expect_every_option_in<UNetOptions>(result.output);
  expect_every_option_in<DiffusionSettings>(result.output);
  expect_every_option_in<TrainingOptions>(result.output);
}

TEST(FieldOptions, AreCheckedWhenTheyAreParsed) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& options) {
    const ProgramResult result = run_program(folder.path(), "train --data nowhere " + options);
    EXPECT_EQ(result.exit_code, 2) << options;
    return result.errors;
  };
  EXPECT_EQ(refusal("--blocks 0"),
            "iddpm: --blocks: expected an integer from 1 to 64, got \"0\". See 'iddpm train --help'.\n");
  // Seeds and what is no number at all are refused by the checks that all verbs share.
  EXPECT_NE(refusal("--seed -1").find("--seed: expected a whole number from 0"), std::string::npos);
  EXPECT_NE(refusal("--lr nan").find("--learning-rate: expected a number"), std::string::npos);
  EXPECT_NE(refusal("--lr 11").find("--learning-rate: expected a number from 0 to 10, got \"11\""), std::string::npos);
  EXPECT_NE(refusal("--mean w").find("--mean: expected one of epsilon, x_0, previous_x, v, got \"w\""),
            std::string::npos);
  EXPECT_NE(refusal("--attention 16,x").find("--attention: expected at most 64 integers"), std::string::npos);
  EXPECT_NE(refusal("--memory-limit 5").find("--memory-limit: expected at least 1MB"), std::string::npos);
}

TEST(MemoryLimitOption, HoldsForModelFiles) {
  const TemporaryFolder folder;
  write_tiny_images(folder / "images");
  ASSERT_EQ(run_program(folder.path(), "train --data images --run run --steps 1 --sample-every 0" +
                                           std::string(tiny_model) + "--channels 192")
                .exit_code,
            0);
  const std::string sample = "sample run --count 1 --steps 2 --threads 1 --out drawn";
  const ProgramResult refused = run_program(folder.path(), sample + " --memory-limit 1MB");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.errors.find("more than the memory limit of 1000000 (--memory-limit)"), std::string::npos)
      << refused.errors;
  EXPECT_EQ(run_program(folder.path(), sample + " --memory-limit 1GB").exit_code, 0);
}

TEST(MemoryLimitOption, HoldsForWhatIsAskedForBeforeItIsTaken) {
  const TemporaryFolder folder;
  write_tiny_images(folder / "images");
  const std::string train = "train --data images --run run --steps 1 --sample-every 0" + std::string(tiny_model);
  ASSERT_EQ(run_program(folder.path(), train).exit_code, 0);
  // Each is refused by how much it needs, and the option that is advised is enough.
  for (const auto& [command, advice] :
       {std::pair<std::string, std::string>(
            "train --data images --run other --steps 1 --sample-every 0" + with(tiny_model, "--batch 1000"),
            "expected --microbatch "),
        {"sample run --count 2000 --batch 2000 --steps 2 --threads 1 --precision float32 --out drawn",
         "expected --batch "},
        {"benchmark --preset tiny --image-size 16 --batch 1000 --repetitions 1 --threads 1", "more than the memory"},
        {"benchmark --preset tiny --image-size 16 --batch 4000 --forward-only --repetitions 1 --threads 1",
         "expected --batch "}}) {
    const ProgramResult refused = run_program(folder.path(), command + " --memory-limit 25MB");
    EXPECT_EQ(refused.exit_code, 1) << command;
    EXPECT_NE(refused.errors.find(advice), std::string::npos) << command << "\n" << refused.errors;
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "other"));
  EXPECT_FALSE(std::filesystem::exists(folder / "drawn"));
}

}  // namespace iddpm::test
