#include "cli/operation_breakdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "iddpm/kernels/operation_timer.h"

namespace iddpm::cli {

nlohmann::json operation_breakdown(int repetitions, const std::function<void()>& work) {
  kernels::OperationTimer timer;
  for (int i = 0; i < repetitions; ++i) work();
  const kernels::OperationTimer::Times times = timer.times();
  double total = 0;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < times.size(); ++i) {
    total += times[i].seconds;
    if (times[i].calls > 0 || times[i].seconds > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return times[a].seconds > times[b].seconds; });
  nlohmann::json breakdown = nlohmann::json::array();
  for (const std::size_t i : order) {
    breakdown.push_back({{"operation", kernels::name_of(static_cast<kernels::Operation>(i))},
                         {"calls", times[i].calls / repetitions},
                         {"seconds", times[i].seconds / repetitions},
                         {"share", times[i].seconds / total}});
  }
  return breakdown;
}

std::string breakdown_table(const nlohmann::json& breakdown) {
  std::string text = fmt::format("{:<50} {:>8} {:>12} {:>8}\n", "operation", "calls", "seconds", "share");
  for (const nlohmann::json& row : breakdown) {
    text +=
        fmt::format("{:<50} {:>8} {:>12.4f} {:>7.1f}%\n", row["operation"].get<std::string>(),
                    row["calls"].get<std::int64_t>(), row["seconds"].get<double>(), 100 * row["share"].get<double>());
  }
  return text;
}

}  // namespace iddpm::cli
