// Disks that are full, folders that can't be written, files that were damaged, data that go away.

#include <grp.h>
#include <unistd.h>

#include "tests/faults/faulty_run.h"

namespace iddpm::test {
namespace {

namespace fs = std::filesystem;

class DiskFaults : public FaultyRun {
 protected:
  bool says(const std::string& words) const { return errors().find(words) != std::string::npos; }

  // Permissions mean nothing to root.
  static void become_nobody() {
    if (geteuid() != 0) return;
    constexpr unsigned nobody = 65534;
    if (setgroups(0, nullptr) != 0 || setgid(nobody) != 0 || setuid(nobody) != 0) _exit(98);
  }

  // Everything here may be written by anybody.
  void open_to_all() const {
    fs::permissions(folder_.path(), fs::perms::all);
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      fs::permissions(entry.path(), entry.is_directory() ? fs::perms::all : fs::perms(0666));
    }
  }
  void forbid_writing(const fs::path& folder) const { fs::permissions(folder, fs::perms(0555)); }
};

}  // namespace

TEST_F(DiskFaults, ACheckpointThatFillsTheDiskLeavesTheOneBefore) {
  ASSERT_EQ(exit_code_of(training("r", 3)), 0) << errors();
  EXPECT_EQ(exit_code_of("train --resume r --steps 6 --checkpoint-every 1", with_largest_file(16 << 10)), 1);
  EXPECT_TRUE(says("cannot write")) << errors();
  EXPECT_TRUE(says("step_00000004")) << errors();
  EXPECT_FALSE(fs::exists(checkpoint("r", 4)));
  EXPECT_EQ(temporary_files(), std::vector<std::string>{});
  ASSERT_EQ(exit_code_of("train --resume r --steps 6"), 0) << errors();
  expect_as_undisturbed("r", 6);
}

TEST_F(DiskFaults, ALogThatFillsTheDiskEndsTheRunAndIsMended) {
  ASSERT_EQ(exit_code_of(training("r", 20)), 0) << errors();
  const std::uint64_t half_a_line_more = fs::file_size(folder_ / "r/log.jsonl") + 100;
  EXPECT_EQ(exit_code_of("train --resume r --steps 24", with_largest_file(half_a_line_more)), 1);
  EXPECT_TRUE(says("cannot write")) << errors();
  EXPECT_TRUE(says("log.jsonl")) << errors();
  ASSERT_EQ(exit_code_of("train --resume r --steps 24"), 0) << errors();
  expect_as_undisturbed("r", 24);
}

TEST_F(DiskFaults, SamplesGoOnWhenThereIsRoomAgain) {
  ASSERT_EQ(exit_code_of(training("r", 1)), 0) << errors();
  const std::string draw = "sample r --count 200 --batch 20 --steps 2 --threads 1 --precision float32 ";
  ASSERT_EQ(exit_code_of(draw + "--out whole --npz whole.npz"), 0) << errors();
  EXPECT_EQ(exit_code_of(draw + "--out parts --npz parts.npz", with_largest_file(8000)), 1);
  EXPECT_TRUE(says("cannot write")) << errors();
  EXPECT_FALSE(fs::exists(folder_ / "parts.npz"));
  ASSERT_EQ(exit_code_of(draw + "--out parts --npz parts.npz"), 0) << errors();
  EXPECT_TRUE(text_of(folder_ / "parts.npz") == text_of(folder_ / "whole.npz"));
}

TEST_F(DiskFaults, FoldersThatCantBeWrittenAreNamed) {
  ASSERT_EQ(exit_code_of(training("r", 3)), 0) << errors();
  fs::create_directory(folder_ / "closed");
  open_to_all();
  forbid_writing(folder_ / "r/checkpoints");
  forbid_writing(folder_ / "closed");
  const int code = exit_code_of("train --resume r --steps 6", become_nobody);
  if (code == 126 || code == 98) GTEST_SKIP() << "the program can't be run by a user without privileges here";
  EXPECT_EQ(code, 1);
  EXPECT_TRUE(says("cannot write")) << errors();
  EXPECT_TRUE(says("r/checkpoints")) << errors();
  for (const std::string command :
       {"sample r --count 1 --steps 1 --out closed/s", "train --data images --steps 1 --run closed/r"}) {
    EXPECT_NE(exit_code_of(command, become_nobody), 0) << command;
    EXPECT_TRUE(says("closed")) << command << errors();
  }
  fs::permissions(folder_ / "r/checkpoints", fs::perms::all);
  ASSERT_EQ(exit_code_of("train --resume r --steps 6"), 0) << errors();
  expect_as_undisturbed("r", 6);
}

TEST_F(DiskFaults, ADamagedNewestCheckpointIsPassedOverAloud) {
  ASSERT_EQ(exit_code_of(training("whole", 4, "--checkpoint-every 1")), 0) << errors();
  for (const char* kind : {".safetensors", ".training.safetensors"}) {
    for (const bool cut : {false, true}) {
      fs::remove_all(folder_ / "r");
      fs::copy(folder_ / "whole", folder_ / "r", fs::copy_options::recursive);
      std::string bytes = text_of(checkpoint("r", 4, kind));
      bytes[bytes.size() * 3 / 4] = static_cast<char>(bytes[bytes.size() * 3 / 4] ^ 4);
      if (cut) bytes.resize(bytes.size() / 2);
      folder_.write("r/checkpoints/" + checkpoint("r", 4, kind).filename().string(), bytes);
      ASSERT_EQ(exit_code_of("train --resume r --steps 6"), 0) << kind << errors();
      EXPECT_TRUE(says("Skipping a broken checkpoint")) << kind << errors();
      EXPECT_TRUE(says("step_00000004")) << kind << errors();
      expect_as_undisturbed("r", 6);
    }
  }
}

TEST_F(DiskFaults, DataThatGoAwayEndTheRunWithAllItLearnt) {
  ASSERT_EQ(exit_code_of(training("r", 3)), 0) << errors();
  // So that images are read from the disk each time.
  std::string record = text_of(folder_ / "r/run.json");
  const std::string cache = "\"cache_bytes\": 1073741824";
  ASSERT_NE(record.find(cache), std::string::npos) << record;
  folder_.write("r/run.json", record.replace(record.find(cache), cache.size(), "\"cache_bytes\": 0"));
  BackgroundProgram program(folder_.path(), "train --resume r --steps 1000000 --checkpoint-every 1000000");
  ASSERT_TRUE(program.wait_for("r/log.jsonl", "\"step\":5,")) << errors();
  fs::rename(folder_ / "images", folder_ / "away");
  EXPECT_EQ(program.exit_code(), 1);
  EXPECT_TRUE(says("there any more")) << errors();
  const std::int64_t last = logged_steps("r").back();
  EXPECT_TRUE(fs::exists(checkpoint("r", last, ".training.safetensors"))) << errors();
  fs::rename(folder_ / "away", folder_ / "images");
  const int steps = static_cast<int>(last) + 2;
  ASSERT_EQ(exit_code_of("train --resume r --steps " + std::to_string(steps)), 0) << errors();
  expect_as_undisturbed("r", steps);
}

}  // namespace iddpm::test
