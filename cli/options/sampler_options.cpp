#include "cli/options/sampler_options.h"

#include "iddpm/core/error.h"
#include "iddpm/samplers/registry.h"

namespace iddpm::cli {
namespace {

std::string refusal_of_name(const std::string& name) {
  try {
    find_sampler(name);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

void add_sampler_options(CLI::App& verb, std::string& sampler, SamplerOptions& options, const std::string& group) {
  std::vector<std::string> known;
  for (const SamplerEntry& entry : samplers()) known.push_back(fmt::format("{}: {}", entry.name, entry.help));
  verb.add_option("--sampler", sampler, fmt::format("{} ({})", fmt::join(known, "; "), sampler))
      ->group(group)
      ->check(CLI::Validator(refusal_of_name, ""));
  verb.add_option("--eta", options.eta,
                  fmt::format("Noise of {}: 0 none .. 1 as ancestral (0)", fmt::join(samplers_with("eta"), ", ")))
      ->group(group)
      ->check(CLI::Range(0.0, 1.0));
}

}  // namespace iddpm::cli
