#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/core/tensor.h"
#include "iddpm/io/safetensors.h"

namespace iddpm {

/// One case of tests/golden (see its README): settings and tensors computed by the published Python implementation.
struct GoldenCase {
  std::filesystem::path path;
  nlohmann::json settings;  ///< the JSON object under the metadata key "case"
  SafetensorsFile file;

  explicit GoldenCase(const std::filesystem::path& case_path) : path(case_path), file(case_path) {
    settings = nlohmann::json::parse(file.metadata().at("case"));
  }

  std::string kind() const { return settings.at("kind").get<std::string>(); }
  std::string name() const { return path.stem().string(); }
  bool contains(const std::string& tensor_name) const { return file.contains(tensor_name); }
  Tensor operator[](const std::string& tensor_name) const { return file.tensor(tensor_name); }
};

/// The directory of golden cases: IDDPM_GOLDEN_DIR of the environment, or else the project's own.
inline std::filesystem::path golden_directory() {
  const char* chosen = std::getenv("IDDPM_GOLDEN_DIR");
  return chosen != nullptr && *chosen != '\0' ? chosen : IDDPM_TEST_GOLDEN_DIR;
}

/// The cases of the golden directory and of the folders in it, sorted by name. A pipeline's weights are no case.
inline std::vector<std::filesystem::path> golden_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(golden_directory())) {
    const bool is_weights = entry.path().stem() == "diffusion_pytorch_model";
    if (entry.path().extension() == ".safetensors" && !is_weights) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The golden cases of one kind, sorted by name; none if the directory has none.
/// SCOPED_TRACE(golden.name());`
inline std::vector<GoldenCase> golden_cases(const std::string& kind) {
  std::vector<GoldenCase> cases;
  for (const auto& path : golden_files()) {
    GoldenCase golden(path);
    if (golden.kind() == kind) cases.push_back(std::move(golden));
  }
  return cases;
}

/// A network's parameter by recipe: `entry` has `shape`, `k`, `offset` and `scale`; the hash is that of the golden
/// README.
inline Tensor recipe_weight(const nlohmann::json& entry) {
  const auto shape = entry.at("shape").get<std::vector<std::int64_t>>();
  const auto k = entry.at("k").get<std::uint64_t>();
  const auto offset = entry.at("offset").get<double>();
  const auto scale = entry.at("scale").get<double>();
  const Tensor weight = at::empty(shape, at::kFloat);
  auto* values = weight.data_ptr<float>();
  const auto start = static_cast<std::uint32_t>(k * 1000003);
  for (std::int64_t j = 0; j < weight.numel(); ++j) {
    std::uint32_t x = static_cast<std::uint32_t>(j) + start;
    x ^= x >> 16;
    x *= 0x7FEB352D;
    x ^= x >> 15;
    x *= 0x846CA68B;
    x ^= x >> 16;
    values[j] = static_cast<float>(offset + scale * (x / 2147483648.0 - 1.0) * std::sqrt(3.0));
  }
  return weight;
}

/// Whether |actual - expected| <= absolute + relative * |expected| everywhere (computed in float64, NaN equal to NaN
/// only); if not, names the element that exceeds its bound most. Shapes must agree, types need not.
inline ::testing::AssertionResult all_close(const Tensor& actual, const Tensor& expected, double absolute,
                                            double relative) {
  if (actual.sizes() != expected.sizes()) {
    return ::testing::AssertionFailure() << "shape " << format_shape(actual.sizes()) << ", expected "
                                         << format_shape(expected.sizes());
  }
  if (expected.numel() == 0) return ::testing::AssertionSuccess();
  const Tensor a = actual.detach().to(at::kCPU, at::kDouble).contiguous().view({-1});
  const Tensor e = expected.detach().to(at::kCPU, at::kDouble).contiguous().view({-1});
  const auto* a_values = a.data_ptr<double>();
  const auto* e_values = e.data_ptr<double>();
  double worst_excess = 0.0;
  std::int64_t worst = -1;
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    if (a_values[i] == e_values[i] || (std::isnan(a_values[i]) && std::isnan(e_values[i]))) continue;
    const double difference = std::abs(a_values[i] - e_values[i]);
    const double bound = absolute + relative * std::abs(e_values[i]);
    if (std::isfinite(difference) && difference <= bound) continue;
    ++count;
    const double excess = std::isfinite(difference) ? difference - bound : INFINITY;
    if (worst < 0 || excess > worst_excess) {
      worst_excess = excess;
      worst = i;
    }
  }
  if (worst < 0) return ::testing::AssertionSuccess();
  std::vector<std::int64_t> place(expected.dim());
  std::int64_t rest = worst;
  for (std::int64_t d = expected.dim() - 1; d >= 0; --d) {
    place[d] = rest % expected.size(d);
    rest /= expected.size(d);
  }
  return ::testing::AssertionFailure() << fmt::format(
             "{} of {} elements differ; worst at {}: {:.9g}, expected {:.9g} (difference {:.3g}, allowed {:.3g} + "
             "{:.3g} "
             "relative)",
             count, a.numel(), format_shape(place), a_values[worst], e_values[worst],
             std::abs(a_values[worst] - e_values[worst]), absolute, relative);
}

}  // namespace iddpm
