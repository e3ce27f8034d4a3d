// How long processes take to add up tensors: start it as torchrun would (docs/scaling.md). Rank 0 prints.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "iddpm/processes/process_group.h"

namespace {

using namespace iddpm;

double median_seconds(ProcessGroup& group, std::int64_t scalars) {
  const Tensor tensor = at::zeros({scalars});
  std::vector<double> seconds;
  for (int i = 0; i < 41; ++i) {
    (void)group.sum(at::zeros({1}), "the others");
    const auto start = std::chrono::steady_clock::now();
    group.start_sum(tensor, "a tensor");
    group.finish_sums();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

}  // namespace

int main() {
  const std::unique_ptr<ProcessGroup> group = join_processes(process_place(), {});
  for (const std::int64_t scalars : {256, 65'536, 1'048'576, 2'097'152, 16'777'216}) {
    const double seconds = median_seconds(*group, scalars);
    const double bytes = 4.0 * static_cast<double>(scalars);
    if (group->is_first()) {
      fmt::print("{:10.0f} bytes: {:8.3f} ms, {:6.2f} GB/s\n", bytes, 1e3 * seconds, bytes / seconds / 1e9);
    }
  }
}
