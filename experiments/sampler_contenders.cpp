#include "experiments/sampler_contenders.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "iddpm/core/error.h"
#include "iddpm/samplers/registry.h"

namespace iddpm::experiments {
namespace {

constexpr std::int64_t few_evaluations = 10, some_evaluations = 20;
constexpr std::int64_t many_evaluations = 50;  // of ancestral, that few of others are measured against
constexpr std::int64_t most_of_own_spacing = 30;

// The best of those that were measured there.
const Contender& best_at(const std::vector<Contender>& contenders, std::int64_t evaluations) {
  const auto distance = [&](const Contender& contender) {
    const auto found = contender.distances.find(evaluations);
    return found == contender.distances.end() ? std::numeric_limits<double>::infinity() : found->second;
  };
  return *std::min_element(contenders.begin(), contenders.end(),
                           [&](const Contender& a, const Contender& b) { return distance(a) < distance(b); });
}

const Contender& contender_of(const std::vector<Contender>& contenders, const std::string& sampler,
                              const std::string& spacing) {
  const auto found = std::find_if(contenders.begin(), contenders.end(), [&](const Contender& contender) {
    return contender.sampler == sampler && contender.spacing == spacing;
  });
  require(found != contenders.end(), "comparing samplers: expected {} with the spacing '{}' among them", sampler,
          spacing);
  return *found;
}

}  // namespace

std::vector<Contender> all_contenders() {
  std::vector<Contender> contenders;
  for (const SamplerEntry& entry : samplers()) contenders.push_back({.sampler = entry.name});
  const std::string usual = find_sampler(default_sampler).usual_spacing;
  if (!usual.empty()) contenders.push_back({.sampler = default_sampler, .spacing = usual});
  contenders.push_back({.sampler = default_sampler, .spacing = found_spacing});
  for (const char* spacing : {"trailing", "logsnr", "karras", found_spacing}) {
    contenders.push_back({.sampler = "dpm++", .spacing = spacing});
  }
  return contenders;
}

const Contender& default_contender(const std::vector<Contender>& contenders) {
  return contender_of(contenders, default_sampler, find_sampler(default_sampler).usual_spacing);
}

std::vector<std::int64_t> evaluation_counts(const Scale& scale) {
  std::vector<std::int64_t> counts;
  for (const std::int64_t count : {5, 8, 10, 15, 20, 30, 50, 100}) {
    if (count <= scale.diffusion_steps && count <= scale.most_evaluations) counts.push_back(count);
  }
  return counts;
}

std::vector<std::int64_t> counts_of(const Contender& contender, const std::vector<std::int64_t>& counts) {
  if (contender.spacing.empty()) return counts;
  std::vector<std::int64_t> fewer;
  std::copy_if(counts.begin(), counts.end(), std::back_inserter(fewer),
               [](std::int64_t count) { return count <= most_of_own_spacing; });
  return fewer;
}

std::int64_t nearest_count(const std::vector<std::int64_t>& counts, std::int64_t most) {
  std::int64_t nearest = counts.front();
  for (const std::int64_t count : counts) {
    if (count <= most) nearest = count;
  }
  return nearest;
}

std::string distances_table(const std::vector<Contender>& contenders, const std::vector<std::int64_t>& counts) {
  std::string table = fmt::format("| evaluations of the network | {} |\n|---|{}\n", fmt::join(counts, " | "),
                                  fmt::join(std::vector<std::string>(counts.size(), "---|"), ""));
  for (const Contender& contender : contenders) {
    table +=
        fmt::format("| `{}`{} |", contender.sampler, contender.spacing.empty() ? "" : ", `" + contender.spacing + "`");
    for (const std::int64_t count : counts) {
      const auto measured = contender.distances.find(count);
      table += measured == contender.distances.end() ? " - |" : fmt::format(" {:.3f} |", measured->second);
    }
    table += "\n";
  }
  return table;
}

SamplerVerdict judge_contenders(const std::vector<Contender>& contenders, const std::vector<std::int64_t>& counts,
                                std::int64_t samples, double real) {
  const std::int64_t few = nearest_count(counts, few_evaluations), some = nearest_count(counts, some_evaluations);
  const std::int64_t many = nearest_count(counts, many_evaluations);
  const auto& of_ancestral = contender_of(contenders, "ancestral", "").distances;
  const Contender& usual = default_contender(contenders);
  const auto best = [&](std::int64_t count) {
    const Contender& contender = best_at(contenders, count);
    return fmt::format("{} {:.3f}", contender.label(), contender.distances.at(count));
  };
  SamplerVerdict result;
  result.found = fmt::format(
      "Frechet distance of {} samples each: with {} evaluations the best is {}, with {} {}, with {} {}; ancestral "
      "comes "
      "to {:.3f}, {:.3f} and {:.3f}. The program's default, {}, comes to {:.3f} with {} and {:.3f} with {}. As many "
      "real "
      "images: {:.3f}.",
      samples, few, best(few), some, best(some), many, best(many), of_ancestral.at(few), of_ancestral.at(some),
      of_ancestral.at(many), usual.label(), usual.distances.at(few), few, usual.distances.at(some), some, real);
  const auto beats = [&](const Contender& contender) { return contender.distances.at(few) < of_ancestral.at(many); };
  if (!beats(best_at(contenders, few))) {
    result.verdict = Verdict::not_shown;
    result.found += fmt::format(" Not shown: that {} evaluations of any are as good as {} of ancestral.", few, many);
  } else if (!beats(usual)) {
    result.verdict = Verdict::partly;
    result.found += fmt::format(" Not shown: that {} of the default are as good as {} of ancestral.", few, many);
  }
  return result;
}

}  // namespace iddpm::experiments
