// Writes manual pages and shells' completions of the program, from what its command line says of itself: run once when
// it is built.
//
// iddpm_write_documentation FOLDER

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "cli/documentation/completions.h"
#include "cli/documentation/manual_pages.h"
#include "cli/program.h"
#include "iddpm/core/error.h"
#include "iddpm/io/atomic_file.h"
#include "iddpm/version.h"

namespace iddpm::cli {
namespace {

void write_all(const std::filesystem::path& folder) {
  const auto app = make_program();
  const ProgramDescription program = describe_program(*app, version);
  std::filesystem::create_directories(folder / "man1");
  write_file_atomically(folder / "man1" / (program.name + ".1"), manual_page(program));
  for (const VerbDescription& verb : program.verbs) {
    write_file_atomically(folder / "man1" / fmt::format("{}-{}.1", program.name, verb.name),
                          manual_page(program, verb));
  }
  write_file_atomically(folder / "completion.bash", bash_completion(program));
  write_file_atomically(folder / "completion.zsh", zsh_completion(program));
  write_file_atomically(folder / "completion.fish", fish_completion(program));
}

}  // namespace
}  // namespace iddpm::cli

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  iddpm::cli::write_all(argv[1]);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
