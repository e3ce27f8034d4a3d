// Dependencies between our folders point one way only, files stay readable in size, and the version is the same
// everywhere.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "iddpm/version.h"

namespace {

namespace fs = std::filesystem;

// What each folder may include, beside itself (ARCHITECTURE.md).
const std::map<std::string, std::set<std::string>> allowed = {
    {"core", {}},
    {"processes", {"core"}},
    {"diffusion", {"core"}},
    {"samplers", {"diffusion", "core"}},
    {"kernels", {"core"}},
    {"nn", {"kernels", "core"}},
    {"io", {"core"}},
    {"data", {"io", "core"}},
    {"model", {"data", "samplers", "diffusion", "nn", "kernels", "io", "core"}},
    {"interchange", {"model", "data", "samplers", "diffusion", "nn", "kernels", "io", "core"}},
    {"training", {"model", "data", "samplers", "diffusion", "nn", "kernels", "io", "processes", "core"}},
    {"evaluation", {"model", "data", "samplers", "diffusion", "nn", "kernels", "io", "core"}},
    {"report", {"io", "core"}},
};

std::vector<fs::path> sources_under(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".h" || extension == ".cpp") files.push_back(entry.path());
  }
  return files;
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream stream(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The violations in one file's includes; `folder` is its layer.
std::vector<std::string> wrong_includes(const std::vector<std::string>& lines, const std::string& folder) {
  static const std::regex include(R"(^\s*#\s*include\s*["<]iddpm/([a-z_]+)/[^">]*[">])");
  static const std::regex program(R"(^\s*#\s*include\s*["<](cli|experiments|tests|benchmarks|examples)/)");
  std::vector<std::string> wrong;
  for (const std::string& line : lines) {
    std::smatch match;
    const bool upward =
        std::regex_search(line, match, include) && match[1] != folder && !allowed.at(folder).contains(match[1]);
    if (upward || std::regex_search(line, program)) wrong.push_back(line);
  }
  return wrong;
}

}  // namespace

TEST(Layering, EveryFolderOfTheLibraryHasItsPlace) {
  for (const auto& entry : fs::directory_iterator(fs::path(IDDPM_SOURCE_DIR) / "iddpm")) {
    if (entry.is_directory()) {
      EXPECT_TRUE(allowed.contains(entry.path().filename().string())) << entry.path();
    }
  }
}

TEST(Layering, IncludesPointDown) {
  for (const auto& [folder, unused] : allowed) {
    for (const fs::path& file : sources_under(fs::path(IDDPM_SOURCE_DIR) / "iddpm" / folder)) {
      for (const std::string& line : wrong_includes(lines_of(file), folder)) {
        ADD_FAILURE() << file << " must not include: " << line;
      }
    }
  }
}

TEST(Layering, ExperimentsKnowNoTerminalAndBaselinesNoExperiments) {
  const std::regex program(R"(^\s*#\s*include\s*["<](cli|tests)/)");
  const std::regex experiment(R"(^\s*#\s*include\s*["<]experiments/(?!baselines/))");
  const fs::path experiments = fs::path(IDDPM_SOURCE_DIR) / "experiments";
  for (const fs::path& file : sources_under(experiments)) {
    const bool baseline = fs::relative(file, experiments).begin()->string() == "baselines";
    for (const std::string& line : lines_of(file)) {
      EXPECT_FALSE(std::regex_search(line, program)) << file << " must not include: " << line;
      EXPECT_FALSE(baseline && std::regex_search(line, experiment)) << file << " must not include: " << line;
    }
  }
}

TEST(Layering, TheCheckSeesAnArrowThatPointsUp) {
  EXPECT_EQ(wrong_includes({"#include \"iddpm/nn/unet.h\""}, "diffusion").size(), 1U);
  EXPECT_EQ(wrong_includes({"#include <iddpm/core/error.h>"}, "diffusion").size(), 0U);
  EXPECT_EQ(wrong_includes({"#include \"cli/commands.h\""}, "report").size(), 1U);
  EXPECT_EQ(wrong_includes({"#include \"experiments/baselines/dcgan/dcgan.h\""}, "evaluation").size(), 1U);
}

TEST(Layering, NetworksAreLoadedByModelAlone) {
  for (const char* folder : {"cli", "experiments", "iddpm/evaluation", "iddpm/training", "iddpm/interchange"}) {
    for (const fs::path& file : sources_under(fs::path(IDDPM_SOURCE_DIR) / folder)) {
      for (const std::string& line : lines_of(file)) {
        EXPECT_EQ(line.find("load_network("), std::string::npos) << file << ": expected Model::open, got " << line;
      }
    }
  }
}

TEST(Layering, NoFileIsLongerThan600Lines) {
  for (const char* folder : {"iddpm", "cli", "experiments", "tests", "benchmarks", "examples"}) {
    for (const fs::path& file : sources_under(fs::path(IDDPM_SOURCE_DIR) / folder)) {
      EXPECT_LE(lines_of(file).size(), 600U) << file;
    }
  }
}

TEST(Sources, JsonIsParsedInOnePlace) {
  for (const char* folder : {"iddpm", "cli", "experiments"}) {
    for (const fs::path& file : sources_under(fs::path(IDDPM_SOURCE_DIR) / folder)) {
      if (file.stem() == "strict_json") continue;
      for (const std::string& line : lines_of(file)) {
        EXPECT_EQ(line.find("json::parse("), std::string::npos) << file << ": expected parse_json, got " << line;
      }
    }
  }
}

// g++ 12 destroys a member of class type twice if a later initialiser of the same braces throws: what comes from a file
// is read into members of a struct that is there (JsonRecord::read).
TEST(Sources, NothingIsReadFromJsonWithinBraces) {
  const std::regex read(R"((^\s*|[{,(]\s*)\.\w+ = [^;]*\b\w+\.(get(_optional)?<|raw\(|at\(")[^;]*[,}][^;]*;?$)");
  for (const char* folder : {"iddpm", "cli", "experiments"}) {
    for (const fs::path& file : sources_under(fs::path(IDDPM_SOURCE_DIR) / folder)) {
      for (const std::string& line : lines_of(file)) {
        if (line.find(" = ") != std::string::npos && std::regex_search(line, read))
          ADD_FAILURE() << file << " reads JSON within braces: " << line;
      }
    }
  }
  const std::string fault = "  info = {.step = record.get<std::int64_t>(\"step\"),";
  EXPECT_TRUE(std::regex_search(fault, read));
}

TEST(Version, IsTheSameInTheHeaderAndInCMake) {
  const std::regex project(R"(^project\(iddpm VERSION ([0-9.]+).*)");
  for (const std::string& line : lines_of(fs::path(IDDPM_SOURCE_DIR) / "CMakeLists.txt")) {
    std::smatch match;
    if (std::regex_match(line, match, project)) {
      EXPECT_EQ(match[1], iddpm::version);
      return;
    }
  }
  FAIL() << "CMakeLists.txt names no version";
}
