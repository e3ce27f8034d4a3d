#include "cli/options/memory_option.h"

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>

#include "iddpm/core/memory_limit.h"

namespace iddpm::cli {
namespace {

constexpr std::array<std::pair<const char*, double>, 9> byte_units = {{{"", 1.0},
                                                                       {"kB", 1e3},
                                                                       {"MB", 1e6},
                                                                       {"GB", 1e9},
                                                                       {"TB", 1e12},
                                                                       {"K", 1024.0},
                                                                       {"M", 1048576.0},
                                                                       {"G", 1073741824.0},
                                                                       {"T", 1099511627776.0}}};

// "2GB", "1.5G", "500000000": bytes, at least a million of them.
std::uint64_t parse_byte_size(const std::string& text) {
  constexpr double least = 1e6;
  constexpr double most = 1e18;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  for (const auto& [name, factor] : byte_units) {
    const double bytes = number * factor;
    if (error == std::errc() && unit == name && bytes >= least && bytes <= most) {
      return static_cast<std::uint64_t>(bytes);
    }
  }
  throw CLI::ValidationError(
      fmt::format("--memory-limit: expected at least 1MB, as 8GB, 500MB or 1.5G (x 1024^3), got '{}'", text));
}

}  // namespace

void add_memory_option(CLI::App& app) {
  for (CLI::App* verb : app.get_subcommands(nullptr)) {
    verb->add_option_function<std::string>(
            "--memory-limit", [](const std::string& text) { set_memory_limit(parse_byte_size(text)); },
            "Most memory that files and what is asked for may take: 8GB (default: three quarters of the machine's)")
        ->type_name("SIZE")
        ->group("Computing");
  }
}

}  // namespace iddpm::cli
