#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "iddpm/io/image_file.h"
#include "tests/temporary_folder.h"

namespace iddpm::test {

/// What a run of the program left behind.
struct ProgramResult {
  int exit_code = -1;
  std::string output;  ///< standard output
  std::string errors;  ///< standard error
};

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Runs `iddpm ARGUMENTS...` in `folder` as a person would, without a terminal. `before` is shell put in front ("ulimit
/// -f 8;").
inline ProgramResult run_program(const std::filesystem::path& folder, const std::string& arguments,
                                 const std::string& before = "") {
  const auto output = folder / ".stdout";
  const auto errors = folder / ".stderr";
  const std::string command = "cd '" + folder.string() + "' && " + before + " '" + IDDPM_BINARY_DIR + "/bin/iddpm' " +
                              arguments + " >'" + output.string() + "' 2>'" + errors.string() + "'";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text_of(output), text_of(errors)};
}

/// Twelve 8x8 grey images of two classes, dark and light, as files "dark_0.png", ...
inline void write_tiny_images(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  for (int i = 0; i < 12; ++i) {
    Image image{.width = 8, .height = 8, .channels = 1, .pixels = std::vector<std::uint8_t>(64)};
    for (std::size_t p = 0; p < 64; ++p)
      image.pixels[p] = static_cast<std::uint8_t>((i % 2 == 0 ? 20 : 200) + (p * 7 + static_cast<std::size_t>(i)) % 40);
    write_png(folder / ((i % 2 == 0 ? "dark_" : "light_") + std::to_string(i) + ".png"), image);
  }
}

/// Options of a model so small that a step takes milliseconds.
inline const std::string tiny_model =
    " --preset tiny --image-size 8 --image-channels 1 --multipliers 1,1 --attention 4 --batch 4 --diffusion-steps 20 "
    "--precision float32 --threads 1 ";

}  // namespace iddpm::test
