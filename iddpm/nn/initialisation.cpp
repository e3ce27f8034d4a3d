#include "iddpm/nn/initialisation.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "iddpm/core/random_stream.h"
#include "iddpm/kernels/cpu/parallel.h"

namespace iddpm {
namespace {

void fill_uniform(std::span<float> values, double bound, std::uint64_t seed, std::uint64_t index) {
  constexpr std::int64_t block = 4;  // numbers that a stream makes at a time, and the unit in which it can seek
  const auto size = static_cast<std::int64_t>(values.size());
  kernels::parallel_for((size + block - 1) / block, [&](std::int64_t begin, std::int64_t end) {
    RandomStream stream(seed, StreamPurpose::initialisation, index);
    stream.seek(static_cast<std::uint64_t>(begin));
    for (std::int64_t i = begin * block; i < std::min(end * block, size); ++i) {
      values[static_cast<std::size_t>(i)] = static_cast<float>(bound * (stream.bits() * 0x1p-31 - 1.0));
    }
  });
}

}  // namespace

Initialisation uniform_by_fan_in(std::int64_t fan_in) {
  return {Initialisation::Kind::uniform, 1.0 / std::sqrt(static_cast<double>(fan_in))};
}

void initialise(Tensor& parameter, const Initialisation& initialisation, std::uint64_t seed, std::uint64_t index) {
  const std::span<float> values(parameter.data_ptr<float>(), static_cast<std::size_t>(parameter.numel()));
  switch (initialisation.kind) {
    case Initialisation::Kind::constant:
      std::fill(values.begin(), values.end(), static_cast<float>(initialisation.value));
      break;
    case Initialisation::Kind::uniform:
      fill_uniform(values, initialisation.value, seed, index);
      break;
    case Initialisation::Kind::normal:
      RandomStream(seed, StreamPurpose::initialisation, index).fill_normal(values);
      for (float& value : values) value *= static_cast<float>(initialisation.value);
      break;
  }
}

}  // namespace iddpm
