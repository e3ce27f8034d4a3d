#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "iddpm/samplers/sampler_entry.h"

namespace iddpm::cli {

/// --sampler and what samplers can be told, from the library's table of them. Values stay as they are until parsed.
void add_sampler_options(CLI::App& verb, std::string& sampler, SamplerOptions& options,
                         const std::string& group = "Options");

/// "--sampler", "--eta", ...: all of those.
std::vector<std::string> sampler_option_names();

}  // namespace iddpm::cli
