#include "iddpm/samplers/registry.h"

#include <algorithm>

#include "iddpm/core/error.h"
#include "iddpm/core/nearest_name.h"
#include "iddpm/samplers/ancestral.h"
#include "iddpm/samplers/ddim.h"

namespace iddpm {
namespace {

// An option by its name, and what holds where it is unset.
struct NamedOption {
  const char* name;
  std::optional<double> value;
  double otherwise;
};

std::vector<NamedOption> by_name(const SamplerOptions& options) {
  return {{.name = "eta", .value = options.eta, .otherwise = DdimOptions().eta}};
}

bool knows(const SamplerEntry& sampler, const std::string& option) {
  return std::find(sampler.options.begin(), sampler.options.end(), option) != sampler.options.end();
}

}  // namespace

const std::vector<SamplerEntry>& samplers() {
  static const std::vector<SamplerEntry> table = {
      ancestral_entry(),
      ddim_entry(),
  };
  return table;
}

std::vector<std::string> sampler_names() {
  std::vector<std::string> names;
  for (const SamplerEntry& sampler : samplers()) names.push_back(sampler.name);
  return names;
}

std::vector<std::string> samplers_with(const std::string& option) {
  std::vector<std::string> names;
  for (const SamplerEntry& sampler : samplers()) {
    if (knows(sampler, option)) names.push_back(sampler.name);
  }
  return names;
}

const SamplerEntry& find_sampler(const std::string& name) {
  for (const SamplerEntry& sampler : samplers()) {
    if (sampler.name == name) return sampler;
  }
  const std::vector<std::string> names = sampler_names();
  fail("there is no sampler '{}'.{} The samplers are {}", name, did_you_mean(name, names), fmt::join(names, ", "));
}

std::unique_ptr<Sampler> make_sampler(const std::string& name, const SamplerOptions& options) {
  const SamplerEntry& sampler = find_sampler(name);
  for (const NamedOption& option : by_name(options)) {
    require(!option.value || knows(sampler, option.name), "the sampler {} knows no {}; it is an option of {}", name,
            option.name, fmt::join(samplers_with(option.name), ", "));
  }
  return sampler.make(options);
}

std::string describe_sampler(const std::string& name, const SamplerOptions& options) {
  const SamplerEntry& sampler = find_sampler(name);
  std::string text = name;
  for (const NamedOption& option : by_name(options)) {
    if (knows(sampler, option.name)) {
      text += fmt::format(" {} {}", option.name, option.value.value_or(option.otherwise));
    }
  }
  return text;
}

}  // namespace iddpm
