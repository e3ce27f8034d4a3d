#include "iddpm/samplers/registry.h"

#include "iddpm/core/error.h"
#include "iddpm/core/nearest_name.h"
#include "iddpm/samplers/ancestral.h"
#include "iddpm/samplers/ddim.h"
#include "iddpm/samplers/deis.h"
#include "iddpm/samplers/dpm_solver.h"
#include "iddpm/samplers/euler.h"
#include "iddpm/samplers/euler_ancestral.h"
#include "iddpm/samplers/heun.h"
#include "iddpm/samplers/ipndm.h"
#include "iddpm/samplers/unipc.h"

namespace iddpm {
namespace {

constexpr const char* threshold_name = "threshold";

// As the sampler knows it; nothing if it doesn't.
const SamplerOption* known_option(const SamplerEntry& sampler, const std::string& option) {
  static const SamplerOption of_all = {.name = threshold_name, .greatest = 1.0, .told_always = false};
  if (option == threshold_name) return &of_all;
  for (const SamplerOption& known : sampler.options) {
    if (known.name == option) return &known;
  }
  return nullptr;
}

}  // namespace

const std::vector<SamplerEntry>& samplers() {
  static const std::vector<SamplerEntry> table = {
      ancestral_entry(), ddim_entry(), dpm_solver_entry(), stochastic_dpm_solver_entry(), unipc_entry(), ipndm_entry(),
      deis_entry(),      heun_entry(), euler_entry(),      euler_ancestral_entry(),
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
    if (known_option(sampler, option) != nullptr) names.push_back(sampler.name);
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
  visit_sampler_options(options, [&](const std::string& option, const auto& value, const char*) {
    if (!value) return;
    const SamplerOption* known = known_option(sampler, option);
    require(known != nullptr, "the sampler {} knows no {}; it is an option of {}", name, option,
            fmt::join(samplers_with(option), ", "));
    const auto number = static_cast<double>(*value);
    require(number >= known->least && number <= known->greatest, "the sampler {}: expected {} in [{}, {}], got {}",
            name, option, known->least, known->greatest, number);
  });
  return sampler.make(options);
}

std::string describe_sampler(const std::string& name, const SamplerOptions& options) {
  const SamplerEntry& sampler = find_sampler(name);
  std::string text = name;
  visit_sampler_options(options, [&](const std::string& option, const auto& value, const char*) {
    const SamplerOption* known = known_option(sampler, option);
    if (known == nullptr || (!value && !known->told_always)) return;
    text += fmt::format(" {} {}", option, value ? static_cast<double>(*value) : known->otherwise);
  });
  return text;
}

}  // namespace iddpm
