// Manual pages and completions, which are written from the command line's own description.

#include "cli/documentation/completions.h"
#include "cli/documentation/manual_pages.h"
#include "tests/cli/program_test.h"

namespace iddpm {
namespace {

cli::ProgramDescription described_program() {
  const auto app = cli::make_program();
  return cli::describe_program(*app, "1.2.3");
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// What bash offers after these words, the last of which is being typed.
std::string offered_by_bash(const TemporaryFolder& folder, const std::string& words) {
  folder.write("completion.bash", cli::bash_completion(described_program()));
  const std::string command = "cd '" + folder.path().string() + "' && bash -euc '. ./completion.bash; COMP_WORDS=(" +
                              words +
                              "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _iddpm; echo ${COMPREPLY[@]}' > offered 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << test::text_of(folder / "offered");
  return test::text_of(folder / "offered");
}

}  // namespace

TEST(Documentation, HasEveryOptionOfEveryVerb) {
  const cli::ProgramDescription program = described_program();
  const std::string bash = cli::bash_completion(program), zsh = cli::zsh_completion(program),
                    fish = cli::fish_completion(program);
  ASSERT_GE(program.verbs.size(), 12u);
  for (const cli::VerbDescription& verb : program.verbs) {
    EXPECT_TRUE(holds(cli::manual_page(program), "\\fB" + cli::roff_text(verb.name) + "\\fR\n")) << verb.name;
    const std::string page = cli::manual_page(program, verb);
    EXPECT_TRUE(holds(page, ".SH EXAMPLES")) << verb.name;
    EXPECT_GE(verb.options.size(), 2u);
    for (const cli::OptionDescription& option : verb.options) {
      const std::string& name = cli::main_name(option);
      EXPECT_TRUE(holds(page, "\\fB" + cli::roff_text(name) + "\\fR")) << verb.name << " " << name;
      EXPECT_TRUE(holds(page, cli::roff_text(option.help))) << verb.name << " " << name;
      EXPECT_TRUE(holds(bash, name) && holds(zsh, name + "[") && holds(fish, " -l " + name.substr(2)))
          << verb.name << " " << name;
    }
  }
}

TEST(Documentation, IsNoRoffThatTheTextDoesNotMean) {
  EXPECT_EQ(cli::roff_text(".a\n'b\\n -1"), "\\&.a\n\\&'b\\en \\-1");
}

TEST(Documentation, BashOffersVerbsOptionsChoicesAndFiles) {
  const TemporaryFolder folder;
  folder.write("model.safetensors", "");
  EXPECT_EQ(offered_by_bash(folder, "iddpm sam"), "sample\n");
  EXPECT_EQ(offered_by_bash(folder, "iddpm sample --cou"), "--count\n");
  EXPECT_EQ(offered_by_bash(folder, "iddpm sample mod"), "model.safetensors\n");
  EXPECT_EQ(offered_by_bash(folder, "iddpm train --decay lin"), "linear\n");
  EXPECT_EQ(offered_by_bash(folder, "iddpm sample --count mod"), "\n") << "a number is no file";
  EXPECT_EQ(offered_by_bash(folder, "iddpm sample --guide mod"), "model.safetensors\n");
}

}  // namespace iddpm
