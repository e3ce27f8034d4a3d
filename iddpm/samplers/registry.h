#pragma once

#include <memory>
#include <string>
#include <vector>

#include "iddpm/samplers/sampler_entry.h"

namespace iddpm {

/// All samplers, in the order of help texts. A new one is a file of its own and a line in registry.cpp.
const std::vector<SamplerEntry>& samplers();

/// What is taken where nobody says: the best measured at 20 evaluations of the network (docs/samplers.md).
inline constexpr const char* default_sampler = "unipc";

/// The names of them all, and of those that know an option.
std::vector<std::string> sampler_names();
std::vector<std::string> samplers_with(const std::string& option);

/// Throws Error, with the nearest name and all there are, if there is no sampler of that name.
const SamplerEntry& find_sampler(const std::string& name);

/// Throws Error as `find_sampler` does, if an option is set that the sampler doesn't know, and if its value is out of
/// range.
std::unique_ptr<Sampler> make_sampler(const std::string& name, const SamplerOptions& options = {});

/// What records call it: its name and the values of the options that it knows, "ancestral", "ddim eta 0.5".
/// Options that are rarely used are told only where they are set.
std::string describe_sampler(const std::string& name, const SamplerOptions& options = {});

}  // namespace iddpm
