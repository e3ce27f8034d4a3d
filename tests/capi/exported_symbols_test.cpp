// What libiddpm.so shows to others: its header's functions, each with its version, and nothing else.

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace {

const std::string source = IDDPM_SOURCE_DIR;

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  char buffer[4096];
  for (std::size_t read = 0; (read = fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, read);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

std::set<std::string> declared_functions() {
  std::ifstream stream(source + "/capi/iddpm_c.h");
  std::stringstream header;
  header << stream.rdbuf();
  const std::string text = header.str();
  const std::regex declaration(R"(IDDPM_API [a-z_ *]*\b(iddpm_[a-z_]+)\()");
  std::set<std::string> names;
  for (std::sregex_iterator i(text.begin(), text.end(), declaration), end; i != end; ++i) names.insert((*i)[1]);
  return names;
}

}  // namespace

TEST(ExportedSymbols, AreTheHeadersFunctionsEachWithItsVersion) {
  std::set<std::string> exported, versions;
  std::istringstream lines(output_of("nm -D --defined-only '" IDDPM_BINARY_DIR "/lib/libiddpm.so'"));
  for (std::string address, type, name; lines >> address >> type >> name;) {
    if (type == "A") {  // the version node itself
      versions.insert(name);
      continue;
    }
    const std::size_t at = name.find("@@");
    ASSERT_NE(at, std::string::npos) << name << " has no version";
    EXPECT_EQ(name.substr(at), "@@IDDPM_0.1");
    exported.insert(name.substr(0, at));
  }
  EXPECT_GE(exported.size(), 10u);
  EXPECT_EQ(exported, declared_functions());
}

TEST(ExportedSymbols, TheLibraryIsCalledByItsSoname) {
  const std::string dynamic = output_of("readelf -d '" IDDPM_BINARY_DIR "/lib/libiddpm.so'");
  EXPECT_NE(dynamic.find("soname: [libiddpm.so.0.1]"), std::string::npos) << dynamic;
}
