// The program iddpm: one subcommand per verb, each in a file of its own.

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

#include "cli/options/values.h"
#include "cli/program.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/exit_codes.h"
#include "cli/terminal/standard_streams.h"
#include "iddpm/core/error.h"
#include "iddpm/kernels/cpu/memory_policy.h"
#include "iddpm/kernels/cpu/thread_patience.h"

namespace iddpm::cli {
namespace {

int end_with(const std::string& sentence, int exit_code) {
  complain(sentence);
  return exit_code;
}

int show_help(const CLI::App& program, const CLI::Success& request) {
  program.exit(request, std::cout, std::cerr);
  std::cout.flush();
  return std::cout ? 0 : end_with("standard output can't be written", exit_failure);
}

int run(const std::vector<std::string>& arguments) {
  const auto program = make_program();
  try {
    carry_out(*program, arguments);
  } catch (const CLI::Success& request) {
    return show_help(*program, request);
  } catch (const CLI::ParseError& error) {
    return end_with(explain(*program, error), exit_usage);
  } catch (const ExitWith& exit) {
    return exit.code;
  } catch (const UsageError& error) {
    return end_with(error.what(), exit_usage);
  } catch (const Error& error) {
    return end_with(error.what(), error.kind() == ErrorKind::interrupted ? exit_interrupted : exit_failure);
  } catch (const c10::Error& error) {
    return end_with(error.what_without_backtrace(), exit_failure);
  } catch (const std::bad_alloc&) {
    return end_with("out of memory; a smaller --batch or --microbatch needs less", exit_failure);
  } catch (const std::exception& error) {
    return end_with(error.what(), exit_failure);
  }
  return 0;
}

}  // namespace
}  // namespace iddpm::cli

int main(int argc, char** argv) {
  iddpm::cli::prepare_standard_streams();
  iddpm::kernels::keep_freed_memory();
  const iddpm::kernels::ThreadPatience patience;
  const int exit_code = iddpm::cli::run({argv + 1, argv + argc});
  // Threads of LibTorch may still wait for processes that are gone.
  if (exit_code != 0 && iddpm::cli::speaks_among_others()) std::_Exit(exit_code);
  return exit_code;
}
