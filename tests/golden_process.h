#pragma once

#include <string>
#include <vector>

#include "iddpm/diffusion/reverse_process.h"
#include "tests/golden_case.h"

namespace iddpm {

/// The values of a float64 tensor [T].
inline std::vector<double> to_vector(const Tensor& table) {
  const Tensor values = table.to(at::kDouble).contiguous();
  return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
}

inline Tensor to_tensor(const std::vector<double>& table) {
  return at::tensor(at::ArrayRef<double>(table), at::kDouble);
}

/// The schedule that a case names.
inline NoiseSchedule golden_schedule(const GoldenCase& golden) {
  const auto name = golden.settings.at("schedule").get<std::string>();
  const auto steps = golden.settings.at("steps").get<std::int64_t>();
  require(name == "linear" || name == "cosine", "{}: unknown schedule {}", golden.name(), name);
  return name == "linear" ? linear_schedule({.steps = steps}) : cosine_schedule({.steps = steps});
}

inline Mean golden_mean(const GoldenCase& golden) {
  const std::string name = golden.settings.value("mean", "epsilon");
  if (name == "epsilon") return Mean::epsilon;
  if (name == "start_x") return Mean::x_0;
  if (name == "previous_x") return Mean::previous_x;
  fail("{}: unknown mean {}", golden.name(), name);
}

inline Variance golden_variance(const GoldenCase& golden) {
  const auto name = golden.settings.at("variance").get<std::string>();
  if (name == "fixed_small") return Variance::fixed_small;
  if (name == "fixed_large") return Variance::fixed_large;
  if (name == "learned") return Variance::learned;
  if (name == "learned_range") return Variance::learned_range;
  fail("{}: unknown variance {}", golden.name(), name);
}

/// The reverse process of a case of the kinds process and guidance.
inline ReverseProcess golden_process(const GoldenCase& golden) {
  NoiseSchedule schedule =
      golden.contains("betas") ? NoiseSchedule(to_vector(golden["betas"])) : golden_schedule(golden);
  return ReverseProcess(ForwardProcess(std::move(schedule)),
                        {.mean = golden_mean(golden), .variance = golden_variance(golden), .rescale_timesteps = false});
}

/// A network that gives the case's output.
inline Network golden_network(const GoldenCase& golden) {
  return [output = golden["model_output"]](const Tensor&, const Tensor&) { return output; };
}

/// Within the golden README's tolerance for everything with a given network output.
inline ::testing::AssertionResult agrees(const Tensor& actual, const Tensor& expected) {
  return all_close(actual, expected, 1e-5, 1e-5);
}

}  // namespace iddpm
