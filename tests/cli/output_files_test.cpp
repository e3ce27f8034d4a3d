// Files that verbs write: refused first where that can't be done, never replaced unasked, and what was found is told
// even if its file can't be written.

#include "iddpm/io/npz.h"
#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

class OutputFiles : public TinyRunTest {
 protected:
  static void SetUpTestSuite() {
    TinyRunTest::SetUpTestSuite();
    run("train-features --data images --steps 2 --batch 4 --channels 8 --threads 1 --out features.safetensors");
    std::ofstream(at("there")) << "kept";
    std::filesystem::create_directories(at("folder"));
  }

  // `command` ends in the option whose file is to be written.
  static void expect_checked(const std::string& command, const std::string& option) {
    for (const std::string& path : std::vector<std::string>{"nowhere/file", "there/file", "folder", "there"}) {
      const std::string refusal = refusal_in(folder(), command + " " + path);
      EXPECT_EQ(refusal.rfind(option + ": ", 0), 0U) << command << " " << path << ": " << refusal;
      EXPECT_NE(refusal.find(path.substr(0, path.find('/'))), std::string::npos) << refusal;
      if (path == "there") {
        EXPECT_NE(refusal.find("--overwrite"), std::string::npos) << refusal;
      }
    }
    EXPECT_EQ(text_of(at("there")), "kept") << command;
    EXPECT_FALSE(exists("nowhere")) << command;
  }
};

}  // namespace

TEST_F(OutputFiles, OfEveryVerbAreCheckedBeforeItsWork) {
  // Work of hours, which would outlast the test.
  const std::string long_evaluation =
      "evaluate run --reference images --features features.safetensors --samples 1000000 --threads 1 ";
  expect_checked(long_evaluation + "--json-file", "--json-file");
  expect_checked(long_evaluation + "--save-reference", "--save-reference");
  expect_checked("train-features --data images --steps 1000000000 --channels 8 --threads 1 --out", "--out");
  expect_checked("benchmark --preset tiny --repetitions 1000 --threads 1 --outputs", "--outputs");
  expect_checked("convert there --flags '--image_size 32' --out", "--out");
}

TEST_F(OutputFiles, AreReplacedIfAsked) {
  const std::string evaluation = "evaluate run --data images --count 2 --steps 2 --threads 1 --json-file result.json";
  run(evaluation);
  std::ofstream(at("result.json")) << "old";
  expect_refused(evaluation, {"--json-file", "result.json", "--overwrite"});
  EXPECT_EQ(text_of(at("result.json")), "old");
  run(evaluation + " --overwrite");
  EXPECT_TRUE(nlohmann::json::parse(text_of(at("result.json"))).contains("bits_per_dimension"));
}

TEST_F(OutputFiles, FiguresOfAnEarlierRunStay) {
  run("figures --out drawings");
  const std::string before = text_of(at("drawings/alpha_bar.json"));
  std::ofstream(at("drawings/alpha_bar.svg")) << "mine";
  expect_refused("figures --out drawings", {"--out", "drawings/alpha_bar.png", "--overwrite"});
  EXPECT_EQ(text_of(at("drawings/alpha_bar.svg")), "mine");
  run("figures --out drawings --overwrite");
  EXPECT_NE(text_of(at("drawings/alpha_bar.svg")), "mine");
  EXPECT_EQ(text_of(at("drawings/alpha_bar.json")), before);
  expect_refused("figures --out there", {"--out", "there"});
  expect_refused("figures --out nothing_yet --data images --model nowhere", {"nowhere"});
  expect_refused("figures --out nothing_yet --data images --image 12", {"--image", "0 to 11"});
  EXPECT_FALSE(exists("nothing_yet"));
}

TEST_F(OutputFiles, OfAnEarlierMeasurementOfTimestepsStay) {
  const std::string table = "run/checkpoints/step_00000004.pairwise_bound.safetensors";
  run("respace run --data images --count 2 --candidates 5 --threads 1");
  const std::string before = text_of(at(table));
  expect_refused("respace run --data images --count 3 --candidates 4 --threads 1", {table, "--overwrite"});
  EXPECT_EQ(text_of(at(table)), before);
  run("respace run --data images --count 3 --candidates 4 --threads 1 --overwrite");
  EXPECT_NE(text_of(at(table)), before);
  // What can't be printed isn't measured first.
  expect_refused("respace run --data images --count 1000000000 --steps 21 --overwrite", {"--steps 21", "1 to 20"});
}

TEST_F(OutputFiles, ThatCantBeWrittenAfterAllCostNoResult) {
  // No file may grow: opening it works, writing doesn't.
  const auto result = run_program(
      folder(),
      "evaluate run --data images --count 2 --steps 2 --threads 1 --json-file lost.json || echo failed ) 2>&1 | cat",
      "( ulimit -f 0;");
  EXPECT_NE(result.output.find("bits per dimension"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("lost.json"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("failed"), std::string::npos) << result.output;
  EXPECT_FALSE(exists("lost.json"));
}

}  // namespace iddpm::test
