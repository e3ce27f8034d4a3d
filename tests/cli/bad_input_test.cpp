// Bad input: one clear sentence that names the file or option, a non-zero exit, nothing lost.

#include <gtest/gtest.h>

#include <fstream>

#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

class BadInput : public TinyRunTest {
 protected:
  static std::filesystem::path checkpoint() { return at("run/checkpoints/step_00000004.safetensors"); }
};

}  // namespace

TEST_F(BadInput, AnUnknownOptionSuggestsTheNearest) {
  expect_refused("train --data images --step 3", {"--step", "--steps"});
  expect_refused("sample run --samplr ddim", {"--samplr", "--sampler"});
  expect_refused("trian", {"trian", "train"});
}

TEST_F(BadInput, NoVerbAsksForOne) { expect_refused("", {"verb"}); }

TEST_F(BadInput, AMissingDataFolderIsNamed) { expect_refused("train --data nowhere", {"nowhere"}); }

TEST_F(BadInput, AnEmptyDataFolderIsNamed) {
  std::filesystem::create_directories(folder() / "empty");
  expect_refused("train --data empty", {"empty"});
}

TEST_F(BadInput, AFolderWithoutImagesSaysWhichKindsThereAre) {
  std::filesystem::create_directories(folder() / "texts");
  std::ofstream(folder() / "texts/letter.txt") << "Dear Sir";
  expect_refused("train --data texts", {"texts", "png"});
}

TEST_F(BadInput, ASizeThatIsNotDivisibleByTheStrideIsRefused) {
  expect_refused("train --data images --run odd --steps 1" + with(tiny_model, "--image-size 9"),
                 {"9 x 9", "stride of 2"});
  EXPECT_FALSE(std::filesystem::exists(folder() / "odd"));
}

TEST_F(BadInput, AFolderThatHoldsAnotherRunIsNotOverwritten) {
  const std::string before = text_of(checkpoint());
  expect_refused("train --data images --run run --steps 1" + tiny_model, {"run", "--overwrite", "--resume"});
  EXPECT_EQ(text_of(checkpoint()), before);
}

TEST_F(BadInput, CountsBeyondRangeAreRefused) {
  expect_refused("train --data images --run zero --steps 0", {"--steps"});
  expect_refused("train --data images --run zero --steps 1 --batch 0", {"--batch"});
  expect_refused("train --data images --run zero --steps 1" + with(tiny_model, "--diffusion-steps 0"), {"0"});
  expect_refused("train --data images --run zero --steps 1" + with(tiny_model, "--diffusion-steps 100000000"),
                 {"100000000"});
  expect_refused("sample run --count 0", {"--count"});
  expect_refused("sample run --steps 0 --out s0", {"0"});
  expect_refused("sample run --steps 21 --out s0", {"21", "20"});
  expect_refused("sample run --steps many --out s0", {"many"});
}

TEST_F(BadInput, AnOptionThatTheSamplerDoesntKnowIsRefusedBeforeAnythingIsDrawn) {
  expect_refused("sample run --eta 0.5 --out s4", {"unipc", "eta", "ddim"});
  expect_refused("sample run --sampler ddmi --out s4", {"--sampler", "Did you mean 'ddim'?"});
  EXPECT_FALSE(std::filesystem::exists(folder() / "s4"));
  expect_refused("evaluate run --data images --reference images --features none --eta 0.5", {"unipc", "eta"});
}

TEST_F(BadInput, AnUnknownClassOrPresetListsWhatThereIs) {
  expect_refused("sample run --class medium --out s1", {"medium", "dark", "light"});
  expect_refused("train --data images --preset cifar", {"cifar10"});
}

TEST_F(BadInput, AClassAskedOfAnUnconditionalModelIsRefused) {
  const auto trained =
      run_program(folder(), "train --data images --run plain --steps 1 --sample-every 0 --unconditional" + tiny_model);
  ASSERT_EQ(trained.exit_code, 0) << trained.errors;
  expect_refused("sample plain --class dark --out s2", {"dark", "unconditional"});
}

TEST_F(BadInput, ATruncatedCheckpointIsRefused) {
  const std::string whole = text_of(checkpoint());
  std::ofstream(folder() / "truncated.safetensors", std::ios::binary) << whole.substr(0, whole.size() / 2);
  expect_refused("info truncated.safetensors", {"truncated.safetensors"});
  expect_refused("sample truncated.safetensors --out s3", {"truncated.safetensors"});
}

TEST_F(BadInput, ABitFlippedHeaderIsRefused) {
  std::string bytes = text_of(checkpoint());
  bytes[20] = static_cast<char>(bytes[20] ^ 0x40);
  std::ofstream(folder() / "flipped.safetensors", std::ios::binary) << bytes;
  expect_refused("info flipped.safetensors", {"flipped.safetensors"});
}

TEST_F(BadInput, AForeignCheckpointIsRefused) {
  std::ofstream(folder() / "foreign.safetensors") << "This is not a checkpoint at all, but a letter.";
  expect_refused("info foreign.safetensors", {"foreign.safetensors"});
}

TEST_F(BadInput, AHugeClaimedSizeIsRefusedWithoutMemory) {
  std::string huge(8, '\xff');
  std::ofstream(folder() / "huge.safetensors", std::ios::binary) << huge + "{}";
  expect_refused("info huge.safetensors", {"huge.safetensors"}, "ulimit -v 8000000;");
}

TEST_F(BadInput, AFullDiskLosesNothing) {
  // Files may grow to 16 KiB only: saving a checkpoint fails.
  const auto result =
      run_program(folder(), "train --data images --run full --steps 1 --sample-every 0" + tiny_model, "ulimit -f 16;");
  EXPECT_NE(result.exit_code, 0);
  EXPECT_NE(result.errors.find("full"), std::string::npos) << result.errors;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder() / "full")) {
    EXPECT_NE(entry.path().extension(), ".safetensors") << entry.path();
  }
}

TEST_F(BadInput, ASampleFolderThatHoldsFilesIsNotOverwritten) {
  ASSERT_EQ(run_program(folder(), "sample run --count 2 --steps 2 --out taken").exit_code, 0);
  expect_refused("sample run --count 2 --steps 3 --out taken", {"taken", "steps", "--overwrite"});
  expect_refused("sample run --count 2 --steps 2 --out images", {"images", "--overwrite"});
}

TEST_F(BadInput, ResumingWhatIsNotARunIsRefused) { expect_refused("train --resume images", {"images"}); }

}  // namespace iddpm::test
