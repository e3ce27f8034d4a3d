#include "cli/options/sampler_options.h"

#include <algorithm>

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

std::vector<std::string> sampler_option_names() {
  std::vector<std::string> names = {"--sampler"};
  SamplerOptions options;
  visit_sampler_options(options, [&](const std::string& option, auto&, const char*) {
    names.push_back("--" + option);
    std::replace(names.back().begin(), names.back().end(), '_', '-');
  });
  return names;
}

void add_sampler_options(CLI::App& verb, std::string& sampler, SamplerOptions& options, const std::string& group) {
  std::vector<std::string> known;
  for (const SamplerEntry& entry : samplers()) known.push_back(fmt::format("{}: {}", entry.name, entry.help));
  verb.add_option("--sampler", sampler, fmt::format("{} ({})", fmt::join(known, "; "), sampler))
      ->group(group)
      ->check(CLI::Validator(refusal_of_name, ""));
  visit_sampler_options(options, [&](const std::string& option, auto& value, const char* help) {
    std::string flag = "--" + option;
    std::replace(flag.begin(), flag.end(), '_', '-');
    const std::vector<std::string> all = samplers_with(option);
    const bool of_every_sampler = all.size() == samplers().size();
    verb.add_option(flag, value, of_every_sampler ? help : fmt::format("{}: {}", fmt::join(all, ", "), help))
        ->group(group)
        ->check(CLI::NonNegativeNumber);
  });
}

}  // namespace iddpm::cli
