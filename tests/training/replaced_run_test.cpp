#include "iddpm/training/run/replaced_run.h"

#include "iddpm/training/run/run_record.h"
#include "tests/training/training_fixtures.h"

namespace iddpm {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

const std::vector<std::string> files_of_a_run = {"run.json",
                                                 "log.jsonl",
                                                 "report.html",
                                                 "checkpoints/step_00000004.safetensors",
                                                 "checkpoints/step_00000004.training.safetensors",
                                                 "samples/step_00000004.png",
                                                 "samples/final/samples.json",
                                                 "tensorboard/events.out.tfevents.1.host"};
const std::vector<std::string> strange_files = {"notes.txt", "checkpoints/mine.safetensors", "samples/thesis.txt"};

void write_run(const fs::path& folder, const std::string& text) {
  for (const std::string& name : files_of_a_run) write(folder / name, text);
}

std::string text_at(const fs::path& path) { return fs::exists(path) ? read_file(path) : "nothing"; }

}  // namespace

TEST(ReplacedRun, LiesAsideUntilItIsDeletedAndNothingElseDoes) {
  const TemporaryFolder run;
  write_run(run.path(), "old");
  for (const std::string& name : strange_files) write(run / name, "mine");
  move_run_aside(run.path());
  EXPECT_TRUE(holds_replaced_run(run.path()));
  for (const std::string& name : files_of_a_run) EXPECT_FALSE(fs::exists(run / name)) << name;
  write_run(run.path(), "new");
  delete_replaced_run(run.path());
  EXPECT_FALSE(holds_replaced_run(run.path()));
  for (const std::string& name : files_of_a_run) EXPECT_EQ(text_at(run / name), "new") << name;
  for (const std::string& name : strange_files) EXPECT_EQ(text_at(run / name), "mine") << name;
  for (const auto& entry : fs::recursive_directory_iterator(run.path())) {
    EXPECT_NE(entry.path().filename(), ".replaced") << entry.path();
  }
}

TEST(ReplacedRun, ComesBackIfTheNewOneHasNoCheckpoint) {
  const TemporaryFolder run;
  write_run(run.path(), "old");
  move_run_aside(run.path());
  write(run / "run.json", "new");
  write(run / "log.jsonl", "new");
  EXPECT_EQ(settle_replaced_run(run.path()), ReplacedRun::put_back);
  for (const std::string& name : files_of_a_run) EXPECT_EQ(text_at(run / name), "old") << name;
  EXPECT_EQ(settle_replaced_run(run.path()), ReplacedRun::none);
}

TEST(ReplacedRun, ComesBackFromHalfWay) {
  const TemporaryFolder run;
  write_run(run.path(), "old");
  move_run_aside(run.path());
  // Killed while it was put back, or before all was moved: the record is in its place, other files are aside.
  fs::rename(run / ".replaced/run.json", run / "run.json");
  fs::rename(run / "checkpoints/.replaced/step_00000004.safetensors", run / "checkpoints/step_00000004.safetensors");
  EXPECT_EQ(settle_replaced_run(run.path()), ReplacedRun::put_back);
  for (const std::string& name : files_of_a_run) EXPECT_EQ(text_at(run / name), "old") << name;
}

TEST(ReplacedRun, IsDeletedOnceTheNewOneHasACheckpoint) {
  const TemporaryFolder run;
  write_run(run.path(), "old");
  move_run_aside(run.path());
  write_run(run.path(), "new");
  EXPECT_EQ(settle_replaced_run(run.path()), ReplacedRun::deleted);
  for (const std::string& name : files_of_a_run) EXPECT_EQ(text_at(run / name), "new") << name;
  EXPECT_FALSE(holds_replaced_run(run.path()));
}

TEST(ReplacedRun, IsNoneWithoutARecord) {
  const TemporaryFolder folder;
  write(folder / "report.html", "mine");
  EXPECT_TRUE(contains(error_of([&] { move_run_aside(folder.path()); }), "run.json"));
  EXPECT_EQ(text_at(folder / "report.html"), "mine");
}

}  // namespace iddpm
