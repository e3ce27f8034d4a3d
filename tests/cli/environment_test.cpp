// The surroundings that a program can't choose: closed streams, no home, other languages, names that aren't UTF-8.

#include "iddpm/io/image_file.h"
#include "tests/cli/program_test.h"

namespace iddpm::test {
namespace {

class Environment : public TinyRunTest {};

}  // namespace

TEST_F(Environment, DoesNotChangeWhatIsDrawn) {
  const std::string sample = "sample run --count 1 --steps 3 --threads 1 --grid-only --out ";
  int number = 0;
  for (const char* before : {"", "env -u HOME", "env -i", "LC_ALL=C", "LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8",
                             "TMPDIR=/nonexistent", "TERM=dumb"}) {
    const std::string out = "drawn_" + std::to_string(number++);
    const auto result = run_program(folder(), sample + out + " <&-", before);
    EXPECT_EQ(result.exit_code, 0) << before << "\n" << result.errors;
    EXPECT_EQ(text_of(at(out + "/grid.png")), text_of(at("drawn_0/grid.png"))) << before;
  }
}

TEST_F(Environment, OutputThatNobodyTakesIsAnErrorOfEveryVerb) {
  for (const std::string command :
       {"info run", "info run --json", "figures --out drawings --overwrite", "respace run --steps 2",
        "evaluate run --data images --count 2 --steps 2 --threads 1", "--help", "info --help", "--version"}) {
    if (command.starts_with("respace"))
      run("respace run --data images --count 1 --candidates 2 --threads 1 --overwrite");
    for (const char* where : {" >/dev/full", " >&-"}) {
      // In a subshell, since the output of the program itself is taken.
      const auto result = run_program(folder(), command + where + " )", "(");
      EXPECT_EQ(result.exit_code, 1) << command << where << "\n" << result.errors;
      EXPECT_NE(result.errors.find("standard output can't be written"), std::string::npos) << command << where << "\n"
                                                                                           << result.errors;
    }
    std::filesystem::remove_all(at("drawings"));
  }
}

TEST_F(Environment, AReaderThatGoesAwayEndsNothingBeforeItsFilesAreWritten) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  close(pipe_ends[0]);
  const auto result =
      run_program(folder(),
                  "evaluate run --data images --count 2 --steps 2 --threads 1 --json-file kept.json >&" +
                      std::to_string(pipe_ends[1]) + " )",
                  "(");
  close(pipe_ends[1]);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.errors.find("standard output can't be written"), std::string::npos) << result.errors;
  EXPECT_TRUE(nlohmann::json::parse(text_of(at("kept.json"))).contains("bits_per_dimension"));
}

TEST_F(Environment, StreamsThatAreClosedAreNotMistakenForFiles) {
  // The first file that the program opens would get the number of the closed stream, and what is said be written to it.
  const auto result = run_program(folder(),
                                  "evaluate run --data images --count 2 --steps 2 --threads 1 "
                                  "--json-file whole.json <&- >&- 2>&- )",
                                  "(");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(nlohmann::json::parse(text_of(at("whole.json"))).contains("bits_per_dimension"));
  EXPECT_EQ(run_program(folder(), "info nowhere 2>&- )", "(").exit_code, 1);
}

TEST_F(Environment, NamesNeedNotBeUtf8) {
  const std::string odd = "im\xe4ges";  // Latin-1
  std::filesystem::rename(at("images"), at(odd));
  std::filesystem::copy(at("run"), at("r\xfcn"), std::filesystem::copy_options::recursive);
  const std::vector<std::string> commands = {
      "info r\xfcn --json",
      "evaluate r\xfcn --data " + odd + " --count 2 --steps 2 --json --threads 1",
      "respace r\xfcn --data " + odd + " --count 1 --candidates 2 --json --threads 1 --overwrite",
      "train-features --data " + odd + " --steps 1 --channels 8 --threads 1 --json --out \xe9.safetensors",
      "figures --out \xeegures --data " + odd + " --model r\xfcn --count 1 --threads 1",
      "evaluate " + odd + " --reference " + odd + " --features \xe9.safetensors --neighbours 1 --json-file \xe9sult",
      "report r\xfcn",
      "sample r\xfcn --count 1 --steps 1 --out \xe8 --json --threads 1"};
  for (const std::string& command : commands) {
    const auto result = run_program(folder(), command);
    EXPECT_EQ(result.exit_code, 0) << command << "\n" << result.errors;
  }
  std::filesystem::rename(at(odd), at("images"));
}

TEST_F(Environment, ADamagedNewestCheckpointIsPassedOverAloud) {
  std::filesystem::copy(at("run"), at("damaged"), std::filesystem::copy_options::recursive);
  const auto newest = at("damaged/checkpoints/step_00000004.safetensors");
  std::string bytes = text_of(newest);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 16);
  std::ofstream(newest, std::ios::binary) << bytes;
  for (const std::string command :
       {"info damaged", "report damaged",
        "respace damaged --data images --count 1 --candidates 2 --threads 1 --overwrite",
        "benchmark --checkpoint damaged --repetitions 1 --forward-only --batch 1 --threads 1"}) {
    const auto result = run_program(folder(), command);
    EXPECT_EQ(result.exit_code, 0) << command << "\n" << result.errors;
    EXPECT_NE(result.errors.find("Passing over a damaged checkpoint"), std::string::npos) << command << result.errors;
    EXPECT_NE(result.errors.find("step_00000004"), std::string::npos) << command << result.errors;
  }
}

}  // namespace iddpm::test
