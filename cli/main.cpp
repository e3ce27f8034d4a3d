// The program iddpm: one subcommand per verb, each in a file of its own.

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/options/memory_option.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/exit_codes.h"
#include "cli/terminal/standard_streams.h"
#include "iddpm/core/error.h"
#include "iddpm/kernels/cpu/memory_policy.h"
#include "iddpm/version.h"

int main(int argc, char** argv) {
  using namespace iddpm;
  cli::prepare_standard_streams();
  kernels::keep_freed_memory();

  CLI::App app(
      "Trains, samples and evaluates diffusion models of images\n"
      "(Improved Denoising Diffusion Probabilistic Models, arXiv 2102.09672).",
      "iddpm");
  cli::configure(app);
  app.set_version_flag("--version", std::string("iddpm ") + version);
  app.require_subcommand(1);
  app.footer(
      "Start here:\n"
      "  iddpm train --data photos/ --minutes 30 --run runs/photos\n"
      "  iddpm sample runs/photos --count 16 --steps 50\n"
      "  iddpm evaluate runs/photos --data photos/ --split test\n"
      "'iddpm VERB --help' explains a verb by example.");
  cli::add_train(app);
  cli::add_sample(app);
  cli::add_evaluate(app);
  cli::add_train_features(app);
  cli::add_respace(app);
  cli::add_info(app);
  cli::add_convert(app);
  cli::add_figures(app);
  cli::add_report(app);
  cli::add_reproduce(app);
  cli::add_benchmark(app);
  cli::add_memory_option(app);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& request) {
    return app.exit(request);
  } catch (const CLI::ParseError& error) {
    cli::say(fmt::format("iddpm: {}", cli::explain(app, error)));
    return cli::exit_usage;
  } catch (const cli::ExitWith& exit) {
    return exit.code;
  } catch (const Error& error) {
    cli::say(fmt::format("iddpm: {}", error.what()));
    return cli::exit_failure;
  } catch (const c10::Error& error) {
    cli::say(fmt::format("iddpm: {}", error.what_without_backtrace()));
    return cli::exit_failure;
  } catch (const std::bad_alloc&) {
    cli::say("iddpm: out of memory; a smaller --batch or --microbatch needs less");
    return cli::exit_failure;
  } catch (const std::exception& error) {
    cli::say(fmt::format("iddpm: {}", error.what()));
    return cli::exit_failure;
  }
  return 0;
}
