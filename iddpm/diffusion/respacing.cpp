#include "iddpm/diffusion/respacing.h"

#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>
#include <string_view>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

constexpr std::string_view ddim_prefix = "ddim";
constexpr std::string_view trailing_prefix = "trailing";
constexpr std::string_view optimal_prefix = "optimal";

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
    require(count.has_value(), "respacing '{}': expected counts such as 250, 10,15,20, ddim50 or trailing50, got '{}'",
            specification, part);
    counts.push_back(*count);
    if (comma == std::string_view::npos) return counts;
    rest.remove_prefix(comma + 1);
  }
}

// The 50 of "ddim50".
std::int64_t count_after(std::string_view prefix, std::int64_t steps, const std::string& specification) {
  const std::optional<std::int64_t> count = parse_count(std::string_view(specification).substr(prefix.size()));
  require(count.has_value(), "respacing '{}': expected a count after {}, such as {}50", specification, prefix, prefix);
  require(*count >= 1 && *count <= steps, "respacing '{}': expected to keep 1 to {} of {} timesteps, got {}",
          specification, steps, steps, *count);
  return *count;
}

std::vector<std::int64_t> ddim_timesteps(std::int64_t steps, const std::string& specification) {
  const std::int64_t count = count_after(ddim_prefix, steps, specification);
  // The smallest stride that keeps at most `count`: if it keeps fewer, no integer stride keeps just as many.
  const std::int64_t stride = (steps + count - 1) / count;
  const bool integer_stride = (steps + stride - 1) / stride == count;
  std::vector<std::int64_t> timesteps;
  for (std::int64_t i = 0; i < count; ++i) timesteps.push_back(integer_stride ? i * stride : i * steps / count);
  return timesteps;
}

std::vector<std::int64_t> trailing_timesteps(std::int64_t steps, const std::string& specification) {
  const std::int64_t count = count_after(trailing_prefix, steps, specification);
  std::vector<std::int64_t> timesteps;
  for (std::int64_t i = 1; i <= count; ++i) {
    const double end = static_cast<double>(i) * static_cast<double>(steps) / static_cast<double>(count);
    timesteps.push_back(static_cast<std::int64_t>(std::nearbyint(end)) - 1);
  }
  return timesteps;
}

}  // namespace

std::vector<std::int64_t> respaced_timesteps(std::int64_t steps, const std::string& specification) {
  require(steps >= 1 && steps <= max_schedule_steps, "respacing '{}': expected a process of 1 to {} steps, got {}",
          specification, max_schedule_steps, steps);
  require(!specification.starts_with(optimal_prefix),
          "respacing '{}': which timesteps are the best has to be measured on a model (pairwise_bound tells them, and "
          "'iddpm respace'); expected counts such as 250, 10,15,20, ddim50 or trailing50",
          specification);
  if (specification.starts_with(ddim_prefix)) return ddim_timesteps(steps, specification);
  if (specification.starts_with(trailing_prefix)) return trailing_timesteps(steps, specification);
  std::vector<std::int64_t> timesteps;
  if (specification.empty()) {
    timesteps.resize(static_cast<std::size_t>(steps));
    std::iota(timesteps.begin(), timesteps.end(), 0);
    return timesteps;
  }
  const std::vector<std::int64_t> counts = parse_counts(specification);
  const auto sections = static_cast<std::int64_t>(counts.size());
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
