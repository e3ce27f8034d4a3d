#include "iddpm/diffusion/timestep_sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

// Draws t with the probabilities p_t by inverting their cumulative sum at uniform numbers.
class InverseCdf {
 public:
  explicit InverseCdf(std::vector<double> probabilities)
      : probabilities_(std::move(probabilities)), sums_(probabilities_.size()) {
    std::partial_sum(probabilities_.begin(), probabilities_.end(), sums_.begin());
  }

  std::int64_t timestep(double uniform) const {
    const auto place = std::upper_bound(sums_.begin(), sums_.end(), uniform * sums_.back());
    // Rounding may carry the product up to the last sum.
    return std::min<std::int64_t>(place - sums_.begin(), static_cast<std::int64_t>(sums_.size()) - 1);
  }

  double weight(std::int64_t t) const {
    return 1.0 / (static_cast<double>(sums_.size()) * probabilities_[static_cast<std::size_t>(t)]);
  }

 private:
  std::vector<double> probabilities_;
  std::vector<double> sums_;
};

template <typename Uniform>
SampledTimesteps sample_with(const TimestepSampler& sampler, std::int64_t count, Uniform uniform) {
  const InverseCdf cdf(sampler.probabilities());
  std::vector<std::int64_t> timesteps;
  Tensor weights = at::empty({count}, at::kFloat);
  auto* weight = weights.data_ptr<float>();
  for (std::int64_t i = 0; i < count; ++i) {
    timesteps.push_back(cdf.timestep(uniform(static_cast<std::size_t>(i))));
    weight[i] = static_cast<float>(cdf.weight(timesteps.back()));
  }
  return {.t = std::move(timesteps), .weight = std::move(weights)};
}

}  // namespace

void TimestepSampler::restore(std::span<const double> state) {
  require(state.empty(), "sampling of timesteps: expected an empty state to resume from, got {} numbers", state.size());
}

SampledTimesteps TimestepSampler::sample(std::span<RandomStream> streams) const {
  return sample_with(*this, static_cast<std::int64_t>(streams.size()),
                     [&](std::size_t i) { return streams[i].uniform(); });
}

SampledTimesteps TimestepSampler::sample(std::int64_t count, RandomStream& stream) const {
  require(count >= 0, "timesteps: expected a count of at least 0, got {}", count);
  return sample_with(*this, count, [&](std::size_t) { return stream.uniform(); });
}

UniformTimesteps::UniformTimesteps(std::int64_t steps) : steps_(steps) {
  require(steps >= 1, "uniform timesteps: expected at least 1 step, got {}", steps);
}

std::vector<double> UniformTimesteps::probabilities() const {
  return std::vector<double>(static_cast<std::size_t>(steps_), 1.0 / static_cast<double>(steps_));
}

ImportanceTimesteps::ImportanceTimesteps(std::int64_t steps, ImportanceTimestepsOptions options) : options_(options) {
  require(steps >= 1, "importance sampling of timesteps: expected at least 1 step, got {}", steps);
  require(options.history >= 1 && options.history <= 1'000'000'000 / steps,
          "importance sampling of timesteps: expected a history of 1 to {} losses for {} steps, got {}",
          1'000'000'000 / steps, steps, options.history);
  require(options.uniform_probability >= 0.0 && options.uniform_probability <= 1.0,
          "importance sampling of timesteps: expected a uniform probability in [0, 1], got {}",
          options.uniform_probability);
  history_.resize(static_cast<std::size_t>(steps * options.history));
  counts_.resize(static_cast<std::size_t>(steps));
}

bool ImportanceTimesteps::is_warm() const {
  return std::all_of(counts_.begin(), counts_.end(), [&](std::int64_t count) { return count == options_.history; });
}

std::vector<double> ImportanceTimesteps::probabilities() const {
  const auto steps = static_cast<double>(counts_.size());
  const std::vector<double> uniform(counts_.size(), 1.0 / steps);
  if (!is_warm()) return uniform;
  const auto length = static_cast<std::size_t>(options_.history);
  std::vector<double> p;
  for (std::size_t t = 0; t < counts_.size(); ++t) {
    const auto first = history_.begin() + static_cast<std::ptrdiff_t>(t * length);
    const double squares = std::inner_product(first, first + options_.history, first, 0.0);
    p.push_back(std::sqrt(squares / static_cast<double>(length)));
  }
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  if (sum == 0.0) return uniform;
  for (double& p_t : p) p_t = p_t / sum * (1.0 - options_.uniform_probability) + options_.uniform_probability / steps;
  return p;
}

void ImportanceTimesteps::record(const Timesteps& t, const Tensor& loss) {
  check_timesteps(t, static_cast<std::int64_t>(counts_.size()));
  const std::vector<std::int64_t>& timesteps = t.values();
  require(loss.dim() == 1 && loss.size(0) == t.size(),
          "importance sampling of timesteps: expected one loss for each of {} timesteps, got {}", timesteps.size(),
          format_shape(loss.sizes()));
  const Tensor losses = loss.detach().to(at::kCPU, at::kDouble).contiguous();
  const auto* values = losses.data_ptr<double>();
  for (std::size_t i = 0; i < timesteps.size(); ++i) {
    require(std::isfinite(values[i]), "importance sampling of timesteps: expected finite losses, got {} at t = {}",
            values[i], timesteps[i]);
  }
  for (std::size_t i = 0; i < timesteps.size(); ++i) {
    std::int64_t& count = counts_[static_cast<std::size_t>(timesteps[i])];
    const auto first = history_.begin() + timesteps[i] * options_.history;
    if (count < options_.history) {
      first[count++] = values[i];
    } else {
      std::shift_left(first, first + options_.history, 1);
      first[options_.history - 1] = values[i];
    }
  }
}

std::vector<double> ImportanceTimesteps::state() const {
  std::vector<double> state(counts_.begin(), counts_.end());
  state.insert(state.end(), history_.begin(), history_.end());
  return state;
}

void ImportanceTimesteps::restore(std::span<const double> state) {
  require(state.size() == counts_.size() + history_.size(),
          "importance sampling of timesteps: expected a state of {} numbers ({} steps, history {}), got {}",
          counts_.size() + history_.size(), counts_.size(), options_.history, state.size());
  const std::span<const double> counts = state.first(counts_.size());
  const std::span<const double> history = state.subspan(counts_.size());
  for (double count : counts) {
    require(count >= 0.0 && count <= static_cast<double>(options_.history) && count == std::floor(count),
            "importance sampling of timesteps: expected counts of 0 to {} in the state, got {}", options_.history,
            count);
  }
  for (double loss : history) {
    require(std::isfinite(loss), "importance sampling of timesteps: expected finite losses in the state, got {}", loss);
  }
  std::transform(counts.begin(), counts.end(), counts_.begin(),
                 [](double count) { return static_cast<std::int64_t>(count); });
  std::copy(history.begin(), history.end(), history_.begin());
}

}  // namespace iddpm
