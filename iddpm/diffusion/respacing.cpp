#include "iddpm/diffusion/respacing.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <string_view>

#include "iddpm/core/error.h"
#include "iddpm/diffusion/noise_level.h"

namespace iddpm {
namespace {

constexpr std::string_view measured_prefixes[] = {"optimal", "best"};  // of timesteps chosen for a model
constexpr const char* expected_counts =
    "expected counts such as 250, 10,15,20, ddim50, leading50, linspace50, trailing50, logsnr20 or karras20";

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// A count of at least 0, or nothing if the text is anything else.
std::optional<std::int64_t> parse_count(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 0) return {};
  return count;
}

std::vector<std::int64_t> parse_counts(const std::string& specification) {
  std::vector<std::int64_t> counts;
  std::string_view rest = specification;
  while (true) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = trim(rest.substr(0, comma));
    const std::optional<std::int64_t> count = parse_count(part);
    require(count.has_value(), "respacing '{}': {}, got '{}'", specification, expected_counts, part);
    counts.push_back(*count);
    if (comma == std::string_view::npos) return counts;
    rest.remove_prefix(comma + 1);
  }
}

using Timesteps = std::vector<std::int64_t>;

std::int64_t rounded(double value) { return static_cast<std::int64_t>(std::nearbyint(value)); }

Timesteps ddim_timesteps(std::int64_t steps, std::int64_t count) {
  // The smallest stride that keeps at most `count`: if it keeps fewer, no integer stride keeps just as many.
  const std::int64_t stride = (steps + count - 1) / count;
  const bool integer_stride = (steps + stride - 1) / stride == count;
  Timesteps timesteps;
  for (std::int64_t i = 0; i < count; ++i) timesteps.push_back(integer_stride ? i * stride : i * steps / count);
  return timesteps;
}

Timesteps leading_timesteps(std::int64_t steps, std::int64_t count) {
  Timesteps timesteps;
  for (std::int64_t i = 0; i < count; ++i) timesteps.push_back(i * (steps / count));
  return timesteps;
}

Timesteps linspace_timesteps(std::int64_t steps, std::int64_t count) {
  if (count == 1) return {steps - 1};
  Timesteps timesteps;
  for (std::int64_t i = 0; i < count; ++i) {
    timesteps.push_back(
        rounded(static_cast<double>(i) * static_cast<double>(steps - 1) / static_cast<double>(count - 1)));
  }
  return timesteps;
}

Timesteps trailing_timesteps(std::int64_t steps, std::int64_t count) {
  Timesteps timesteps;
  for (std::int64_t i = 1; i <= count; ++i) {
    timesteps.push_back(rounded(static_cast<double>(i) * static_cast<double>(steps) / static_cast<double>(count)) - 1);
  }
  return timesteps;
}

// Spaced by noise levels.
std::vector<double> even_lambdas(double noisiest, double cleanest, std::int64_t count) {
  std::vector<double> lambdas;
  for (std::int64_t i = 0; i < count; ++i) {
    const double fraction = count > 1 ? static_cast<double>(i) / static_cast<double>(count - 1) : 0.0;
    lambdas.push_back(noisiest + fraction * (cleanest - noisiest));
  }
  return lambdas;
}

std::vector<double> karras_lambdas(double noisiest, double cleanest, std::int64_t count) {
  std::vector<double> lambdas;
  for (const double ratio : karras_ratios(std::exp(-noisiest), std::exp(-cleanest), count)) {
    lambdas.push_back(-std::log(ratio));
  }
  return lambdas;
}

// The timesteps whose lambda is nearest to each of the wanted ones, which ascend (from the noisiest), each once.
Timesteps nearest_timesteps(const std::vector<double>& lambda, const std::vector<double>& wanted) {
  const auto last = static_cast<std::int64_t>(lambda.size()) - 1;
  const auto count = static_cast<std::int64_t>(wanted.size());
  Timesteps timesteps;  // ascending: the cleanest first
  for (std::int64_t i = 0; i < count; ++i) {
    const double target = wanted[static_cast<std::size_t>(count - 1 - i)];
    const auto above = std::lower_bound(lambda.begin(), lambda.end(), target, std::greater<>());
    std::int64_t t = std::min<std::int64_t>(above - lambda.begin(), last);
    if (t > 0 && lambda[static_cast<std::size_t>(t - 1)] - target < target - lambda[static_cast<std::size_t>(t)]) --t;
    const std::int64_t least = i == 0 ? 0 : timesteps.back() + 1;
    timesteps.push_back(std::max(t, least));
  }
  for (std::int64_t i = count - 1, greatest = last; i >= 0; --i) {
    std::int64_t& t = timesteps[static_cast<std::size_t>(i)];
    t = std::min(t, greatest);
    greatest = t - 1;
  }
  return timesteps;
}

struct NamedSpacing {
  std::string_view name;
  Timesteps (*timesteps)(std::int64_t steps, std::int64_t count) = nullptr;
  std::vector<double> (*lambdas)(double noisiest, double cleanest, std::int64_t count) = nullptr;
};

constexpr NamedSpacing named_spacings[] = {
    {.name = "ddim", .timesteps = ddim_timesteps},         {.name = "leading", .timesteps = leading_timesteps},
    {.name = "linspace", .timesteps = linspace_timesteps}, {.name = "trailing", .timesteps = trailing_timesteps},
    {.name = "logsnr", .lambdas = even_lambdas},           {.name = "karras", .lambdas = karras_lambdas},
};

const NamedSpacing* spacing_of(const std::string& specification) {
  for (const NamedSpacing& spacing : named_spacings) {
    if (specification.starts_with(spacing.name)) return &spacing;
  }
  return nullptr;
}

// What "leading50+1" adds to every timestep, which is cut off the specification; 0 without.
std::int64_t take_offset(std::string& specification) {
  const std::size_t plus = specification.find('+');
  if (!specification.starts_with("leading") || plus == std::string::npos) return 0;
  const std::optional<std::int64_t> offset = parse_count(std::string_view(specification).substr(plus + 1));
  require(offset.has_value() && *offset <= max_schedule_steps, "respacing '{}': expected an offset after +, such as 1",
          specification);
  specification.resize(plus);
  return *offset;
}

// The 50 of "ddim50".
std::int64_t count_after(std::string_view prefix, std::int64_t steps, const std::string& specification) {
  const std::optional<std::int64_t> count = parse_count(std::string_view(specification).substr(prefix.size()));
  require(count.has_value(), "respacing '{}': expected a count after {}, such as {}50", specification, prefix, prefix);
  require(*count >= 1 && *count <= steps, "respacing '{}': expected to keep 1 to {} of {} timesteps, got {}",
          specification, steps, steps, *count);
  return *count;
}

}  // namespace

std::vector<std::int64_t> respaced_timesteps(const NoiseSchedule& schedule, const std::string& specification) {
  const NamedSpacing* spacing = spacing_of(specification);
  if (spacing == nullptr || spacing->lambdas == nullptr) return respaced_timesteps(schedule.steps(), specification);
  const std::int64_t count = count_after(spacing->name, schedule.steps(), specification);
  std::vector<double> lambda;
  for (const double alpha_bar : schedule.alpha_bar) lambda.push_back(NoiseLevel::of_alpha_bar(alpha_bar).lambda());
  std::size_t noisiest = lambda.size() - 1;
  while (noisiest > 0 && lambda[noisiest] < least_lambda) --noisiest;
  return nearest_timesteps(lambda, spacing->lambdas(lambda[noisiest], lambda[0], count));
}

std::vector<std::int64_t> respaced_timesteps(std::int64_t steps, const std::string& specification) {
  require(steps >= 1 && steps <= max_schedule_steps, "respacing '{}': expected a process of 1 to {} steps, got {}",
          specification, max_schedule_steps, steps);
  for (const std::string_view prefix : measured_prefixes) {
    require(!specification.starts_with(prefix),
            "respacing '{}': which timesteps are the best has to be measured on a model (pairwise_bound and "
            "TrajectoryTable tell them, and 'iddpm respace'); {}",
            specification, expected_counts);
  }
  if (const NamedSpacing* spacing = spacing_of(specification)) {
    std::string without_offset = specification;
    const std::int64_t offset = take_offset(without_offset);
    const std::int64_t count = count_after(spacing->name, steps, without_offset);
    require(spacing->timesteps != nullptr,
            "respacing '{}': {} goes by the noise levels of a schedule, which are not known here", specification,
            spacing->name);
    Timesteps timesteps = spacing->timesteps(steps, count);
    for (std::int64_t& t : timesteps) t += offset;
    require(timesteps.back() < steps, "respacing '{}': expected timesteps of 0 to {}, got {}", specification, steps - 1,
            timesteps.back());
    return timesteps;
  }
  std::vector<std::int64_t> timesteps;
  if (specification.empty()) {
    timesteps.resize(static_cast<std::size_t>(steps));
    std::iota(timesteps.begin(), timesteps.end(), 0);
    return timesteps;
  }
  const std::vector<std::int64_t> counts = parse_counts(specification);
  const auto sections = static_cast<std::int64_t>(counts.size());
  // The published rule would look at t = 0 alone and leave the noise as it is.
  if (sections == 1 && counts.front() == 1) return {steps - 1};
  std::int64_t start = 0;
  for (std::int64_t section = 0; section < sections; ++section) {
    const std::int64_t count = counts[static_cast<std::size_t>(section)];
    const std::int64_t size = steps / sections + (section < steps % sections ? 1 : 0);
    require(count <= size, "respacing '{}' of {} timesteps: section {} of {} has {} timesteps, too few for {}",
            specification, steps, section + 1, sections, size, count);
    const double stride = count > 1 ? static_cast<double>(size - 1) / static_cast<double>(count - 1) : 1.0;
    // Summed, not multiplied: which way a half rounds depends on it, and the published code sums.
    double position = 0.0;
    for (std::int64_t i = 0; i < count; ++i, position += stride) {
      timesteps.push_back(start + static_cast<std::int64_t>(std::nearbyint(position)));
    }
    start += size;
  }
  require(!timesteps.empty(), "respacing '{}' of {} timesteps: expected to keep at least 1, got 0", specification,
          steps);
  return timesteps;
}

NoiseSchedule respaced_schedule(const NoiseSchedule& schedule, const std::vector<std::int64_t>& timesteps) {
  require(!timesteps.empty(), "respacing: expected at least one timestep to keep, got none");
  std::vector<double> betas;
  double previous_alpha_bar = 1.0;
  std::int64_t previous = -1;
  for (std::int64_t t : timesteps) {
    require(t > previous && t < schedule.steps(), "respacing: expected ascending timesteps of 0 to {}, got {} after {}",
            schedule.steps() - 1, t, previous < 0 ? "nothing" : std::to_string(previous));
    require(previous_alpha_bar > 0.0, "respacing: no signal is left at timestep {}, so that none can follow", previous);
    const double alpha_bar = schedule.alpha_bar[static_cast<std::size_t>(t)];
    betas.push_back(1.0 - alpha_bar / previous_alpha_bar);
    previous_alpha_bar = alpha_bar;
    previous = t;
  }
  return NoiseSchedule(std::move(betas));
}

}  // namespace iddpm
