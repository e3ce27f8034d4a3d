#include "iddpm/evaluation/bits_per_dimension.h"

#include <algorithm>
#include <cmath>

#include "iddpm/core/error.h"
#include "iddpm/core/random_stream.h"
#include "iddpm/data/batch_loader.h"
#include "iddpm/diffusion/gaussian.h"
#include "iddpm/diffusion/losses.h"

namespace iddpm {
namespace {

std::vector<double> to_vector(const Tensor& x) {
  const Tensor values = x.to(at::kCPU, at::kDouble).contiguous();
  return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
}

}  // namespace

VlbOfBatch vlb_of_batch(const ReverseProcess& p_theta, const Tensor& x_0, const VlbNoise& noise, bool clip_x_0,
                        const Progress& progress) {
  const at::NoGradGuard no_gradient;
  const std::int64_t steps = p_theta.steps();
  const std::int64_t images = x_0.size(0);
  VlbOfBatch result;
  result.terms = at::empty({images, steps}, x_0.options());
  result.x_0_error = at::empty_like(result.terms);
  result.epsilon_error = at::empty_like(result.terms);
  for (std::int64_t step = steps - 1; step >= 0; --step) {
    const Tensor t = at::full({images}, step, x_0.options().dtype(at::kLong));
    const Tensor epsilon = noise(step);
    const Tensor x_t = p_theta.q().sample(x_0, t, epsilon);
    const VlbTerm term = vlb_term(p_theta, x_0, x_t, t, clip_x_0);
    const Tensor predicted_epsilon = p_theta.q().noise_from_x_0(x_t, t, term.x_0);
    result.terms.select(1, step).copy_(term.bits);
    result.x_0_error.select(1, step).copy_(mean_per_image((term.x_0 - x_0).square()));
    result.epsilon_error.select(1, step).copy_(mean_per_image((predicted_epsilon - epsilon).square()));
    if (progress) progress(steps - step, steps);
  }
  result.prior = p_theta.q().prior_bits(x_0);
  result.total = result.terms.sum(1) + result.prior;
  return result;
}

BitsPerDimension bits_per_dimension(const ProcessOfClasses& process, const Dataset& dataset,
                                    const BitsPerDimensionOptions& options, const Progress& progress) {
  const std::int64_t wanted = options.count > 0 ? std::min(options.count, dataset.size()) : dataset.size();
  BitsPerDimension result;
  std::vector<double> totals;
  Tensor sums;  // [3, T]: terms, x_0 errors, epsilon errors
  const auto shape = dataset.image_shape();
  for (std::int64_t first = 0; first < wanted; first += options.batch) {
    const std::int64_t count = std::min(options.batch, wanted - first);
    const Batch batch = read_batch(dataset, first, count, &result.skipped);
    if (batch.x_0.size(0) == 0) continue;
    std::vector<RandomStream> streams;
    for (std::int64_t i = 0; i < batch.x_0.size(0); ++i) {
      streams.emplace_back(options.seed, StreamPurpose::evaluation, static_cast<std::uint64_t>(first + i));
    }
    const auto noise = [&](std::int64_t) { return normal_per_image(streams, shape, options.device); };
    const auto report = [&](std::int64_t done, std::int64_t steps) {
      if (progress) progress(first * steps + count * done, wanted * steps);
    };
    const VlbOfBatch vlb =
        vlb_of_batch(process(batch.y), batch.x_0.to(options.device), noise, options.clip_x_0, report);
    const Tensor batch_sums = at::stack({vlb.terms, vlb.x_0_error, vlb.epsilon_error}).to(at::kDouble).sum(1);
    sums = sums.defined() ? sums + batch_sums : batch_sums;
    const auto batch_totals = to_vector(vlb.total);
    totals.insert(totals.end(), batch_totals.begin(), batch_totals.end());
    result.prior += vlb.prior.to(at::kDouble).sum().item<double>();
  }
  require(!totals.empty(), "bits per dimension: expected at least one readable image, got none of {}", wanted);

  result.images = static_cast<std::int64_t>(totals.size());
  const auto n = static_cast<double>(totals.size());
  for (const double total : totals) result.total += total / n;
  double squares = 0;
  for (const double total : totals) squares += (total - result.total) * (total - result.total);
  if (totals.size() > 1) result.standard_error = std::sqrt(squares / (n - 1) / n);
  result.prior /= n;
  const Tensor means = sums / n;
  result.terms = to_vector(means[0]);
  result.x_0_error = to_vector(means[1]);
  result.epsilon_error = to_vector(means[2]);
  return result;
}

}  // namespace iddpm
