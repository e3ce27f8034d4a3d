// iddpm sample: images are written as they are drawn, and nothing that was drawn is lost.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <nlohmann/json.hpp>
#include <set>

#include "iddpm/io/npz.h"
#include "iddpm/samplers/registry.h"
#include "tests/cli/background_program.h"

namespace iddpm::test {
namespace {

namespace fs = std::filesystem;

class Sample : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    write_tiny_images(*folder_ / "images");
    const auto result =
        run_program(folder_->path(), "train --data images --run run --steps 2 --sample-every 0" + tiny_model);
    ASSERT_EQ(result.exit_code, 0) << result.errors;
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  static ProgramResult sample(const std::string& arguments) {
    return run_program(folder_->path(), "sample run --threads 1 --precision float32 " + arguments);
  }
  static ProgramResult drawn(const std::string& arguments) {
    const ProgramResult result = sample(arguments);
    EXPECT_EQ(result.exit_code, 0) << arguments << "\n" << result.errors;
    return result;
  }
  static void expect_refusal(const std::string& arguments, const std::vector<std::string>& words) {
    const ProgramResult result = sample(arguments);
    EXPECT_EQ(result.exit_code, 1) << arguments;
    for (const std::string& word : words) {
      EXPECT_NE(result.errors.find(word), std::string::npos) << arguments << "\n" << word << " in " << result.errors;
    }
  }
  static fs::path at(const std::string& name) { return *folder_ / name; }
  static nlohmann::json record(const std::string& folder) {
    return nlohmann::json::parse(text_of(at(folder) / "samples.json"));
  }
  static std::set<std::string> names_in(const std::string& folder) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(at(folder))) names.insert(entry.path().filename().string());
    return names;
  }

  static TemporaryFolder* folder_;
};

TemporaryFolder* Sample::folder_ = nullptr;

// KiB, of the largest child so far.
long peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return usage.ru_maxrss;
}

}  // namespace

TEST_F(Sample, AKilledCommandGoesOnWithWhatIsMissingBitForBit) {
  const std::string how = "--count 24 --batch 4 --steps 20 --seed 3 ";
  drawn(how + "--out whole --npz whole.npz");
  drawn(how + "--out parts --npz parts.npz");
  const auto whole = names_in("whole");
  ASSERT_EQ(names_in("parts"), whole);
  // As a process that was killed leaves it: unfinished, the archive cut short in a row, a picture half-written.
  auto unfinished = record("parts");
  for (const char* key : {"seconds", "images_per_second", "pixels", "grid"}) unfinished.erase(key);
  unfinished["state"] = "unfinished";
  std::ofstream(at("parts/samples.json")) << unfinished;
  fs::rename(at("parts.npz"), at("parts.npz.unfinished"));
  fs::resize_file(at("parts.npz.unfinished"), 400 + 17 * 64);
  std::ofstream(at("parts/.iddpm-0123456789abcdef.tmp")) << "half";
  fs::remove(at("parts/grid.png"));
  fs::remove(at("parts/light_000019.png"));

  const ProgramResult result = drawn(how + "--out parts --npz parts.npz");
  EXPECT_NE(result.errors.find("Going on after"), std::string::npos) << result.errors;
  EXPECT_EQ(names_in("parts"), whole);
  for (const std::string& name : whole) {
    if (name == "samples.json") continue;
    EXPECT_EQ(text_of(at("parts") / name), text_of(at("whole") / name)) << name;
  }
  EXPECT_EQ(text_of(at("parts.npz")), text_of(at("whole.npz")));
  EXPECT_EQ(record("parts")["pixels"], record("whole")["pixels"]);
  EXPECT_EQ(record("parts")["state"], "finished");
}

TEST_F(Sample, KilledItLeavesWhatItHasDrawn) {
  BackgroundProgram drawing(folder_->path(),
                            "sample run --threads 1 --precision float32 --count 1000000 --batch 4 "
                            "--steps 5 --out killed");
  ASSERT_TRUE(drawing.wait_until([] { return fs::exists(at("killed/dark_000000.png")); })) << text_of(at("err"));
  drawing.send(SIGKILL);
  EXPECT_EQ(drawing.exit_code(), 128 + SIGKILL);
  EXPECT_EQ(record("killed")["state"], "unfinished");
  EXPECT_TRUE(fs::exists(at("killed/dark_000000.png")));
  expect_refusal("--count 1000000 --batch 4 --steps 6 --out killed", {"killed", "steps", "--overwrite"});
}

TEST_F(Sample, AFinishedCommandGivenAgainDrawsNothing) {
  const auto first = drawn("--count 3 --steps 2 --out again --json");
  const auto time = fs::last_write_time(at("again/dark_000000.png"));
  const auto second = drawn("--count 3 --steps 2 --out again --json");
  EXPECT_NE(second.errors.find("already"), std::string::npos) << second.errors;
  EXPECT_EQ(second.output, first.output);
  EXPECT_EQ(fs::last_write_time(at("again/dark_000000.png")), time);
  fs::remove(at("again/dark_000002.png"));
  drawn("--count 3 --steps 2 --out again");
  EXPECT_TRUE(fs::exists(at("again/dark_000002.png"))) << "what is missing is drawn";
}

TEST_F(Sample, OverwritingDrawsAnewAndLeavesOtherFiles) {
  drawn("--count 2 --steps 2 --out over");
  const std::string before = text_of(at("over/dark_000000.png"));
  std::ofstream(at("over/mine.txt")) << "mine";
  drawn("--count 2 --steps 2 --seed 9 --out over --overwrite");
  EXPECT_NE(text_of(at("over/dark_000000.png")), before);
  EXPECT_EQ(text_of(at("over/mine.txt")), "mine");
}

TEST_F(Sample, AnArchiveThatCannotBeWrittenIsRefusedBeforeAnythingIsDrawn) {
  expect_refusal("--count 2 --steps 2 --out refused --npz nowhere/x.npz", {"--npz", "nowhere"});
  std::ofstream(at("there.npz")) << "mine";
  expect_refusal("--count 2 --steps 2 --out refused --npz there.npz", {"--npz", "there.npz", "--overwrite"});
  expect_refusal("--count 2 --steps 2 --out there.npz", {"--out", "there.npz", "file"});
  EXPECT_FALSE(fs::exists(at("refused")));
  EXPECT_EQ(text_of(at("there.npz")), "mine");
}

TEST_F(Sample, TheGridIsAPreviewAndTheArchiveHoldsAll) {
  drawn("--count 130 --steps 1 --grid-only --out many --npz many.npz");
  EXPECT_EQ(names_in("many"), (std::set<std::string>{"grid.png", "samples.json"}));
  const auto arrays = read_npz(at("many.npz"));
  EXPECT_EQ(arrays[0].second.sizes(), at::IntArrayRef({130, 8, 8, 1}));
  EXPECT_EQ(arrays[1].second.sizes(), at::IntArrayRef({130}));
  drawn("--count 100 --steps 1 --grid-only --out few");
  const Image many = read_image(at("many/grid.png")), few = read_image(at("few/grid.png"));
  EXPECT_EQ(many.width, few.width);
  EXPECT_EQ(many.pixels, few.pixels);
}

TEST_F(Sample, TheRecordSaysHowImagesWereDrawn) {
  drawn("--count 1 --steps 3 --out recorded");
  const auto ancestral = record("recorded");
  EXPECT_EQ(ancestral["timesteps"], (std::vector<int>{0, 10, 19}));
  EXPECT_EQ(ancestral["precision"], "float32");
  EXPECT_EQ(ancestral["device"], "cpu");
  EXPECT_FALSE(ancestral.contains("eta"));
  drawn("--count 1 --steps 3 --sampler ddim --eta 0.5 --out recorded_ddim");
  EXPECT_EQ(record("recorded_ddim")["eta"], 0.5);
}

TEST_F(Sample, WithoutStepsTheModelsOwnAreTaken) {
  const ProgramResult result = drawn("--count 1 --out steps");
  EXPECT_NE(result.errors.find("20 of 20 steps"), std::string::npos) << result.errors;
  EXPECT_EQ(record("steps")["steps"], "trailing20");
  EXPECT_EQ(record("steps")["sampler"], default_sampler);
  drawn("--count 1 --sampler ancestral --out usual");
  EXPECT_EQ(record("usual")["steps"], "20") << "as published";
}

TEST_F(Sample, OneStepBeginsAtTheNoisiestTimestepAndAScheduleThatDoesNotIsRemarkedOn) {
  const ProgramResult one = drawn("--count 1 --steps 1 --out one");
  EXPECT_EQ(record("one")["timesteps"], std::vector<int>{19});
  EXPECT_EQ(one.errors.find("Note"), std::string::npos) << one.errors;
  const ProgramResult published = drawn("--count 1 --steps ddim1 --sampler ddim --out published");
  EXPECT_EQ(record("published")["timesteps"], std::vector<int>{0});
  EXPECT_NE(published.errors.find("trailing1"), std::string::npos) << published.errors;
}

TEST_F(Sample, SlowMemoryDoesNotGrowWithTheCount) {
  const auto peak = [&](int count) {
    drawn(fmt::format("--count {0} --steps 1 --batch 256 --grid-only --out peak{0} --npz peak{0}.npz", count));
    return peak_memory();
  };
  const auto few = peak(1000);
  EXPECT_LT(peak(60000) - few, 20000);
}

// Whatever is remembered of a class and a timestep, in small pieces between large tensors, breaks up the heap.
TEST_F(Sample, SlowMemoryDoesNotGrowWithClassesThatFollowOneAnother) {
  for (const char letter : std::string("abcdefghijklmnopqrst")) {
    const Image image{.width = 16, .height = 16, .channels = 1, .pixels = std::vector<std::uint8_t>(256, 99)};
    fs::create_directories(at("kinds") / std::string(4, letter));
    write_png(at("kinds") / std::string(4, letter) / "a.png", image);
  }
  const auto run = [](const std::string& arguments) {
    const ProgramResult result = run_program(folder_->path(), arguments);
    ASSERT_EQ(result.exit_code, 0) << arguments << "\n" << result.errors;
  };
  run("train --data kinds --run kinds_run --steps 1 --sample-every 0 --preset tiny --image-size 16 --channels 32 "
      "--multipliers 1,2 --blocks 1 --batch 2 --diffusion-steps 10 --precision float32 --threads 1");
  const auto peak = [&](const std::string& which) {
    run("sample kinds_run --steps 10 --batch 32 --grid-only --threads 1 " + which);
    return peak_memory();
  };
  const auto of_one = peak("--count 32 --class aaaa --out of_one");
  EXPECT_LT(peak("--count 640 --by-class --out of_all") - of_one, 30000);
}

}  // namespace iddpm::test
