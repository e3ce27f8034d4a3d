#include "cli/options/process_options.h"

#include <ATen/Context.h>
#include <sched.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "cli/options/effect.h"
#include "cli/options/values.h"
#include "cli/terminal/command_line.h"
#include "cli/terminal/exit_codes.h"
#include "cli/terminal/standard_streams.h"
#include "iddpm/processes/network_address.h"

namespace iddpm::cli {
namespace {

// The processors that this process may run on, of this machine: the same text for processes that share them.
std::string own_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::string text = machine_name();
  if (sched_getaffinity(0, sizeof set, &set) != 0) return text;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) text += fmt::format(" {}", i);
  }
  return text;
}

// Each process of a machine has a device of its own.
void take_own_device(ComputeOptions& compute, const ProcessPlace& place) {
  const bool any_cuda = compute.device == "cuda" || (compute.device == "auto" && at::hasCUDA());
  if (any_cuda) compute.device = fmt::format("cuda:{}", place.local_rank.value_or(place.rank));
}

void share_cores(ComputeOptions& compute, ProcessGroup& group) {
  const std::string own = own_processors();
  const std::vector<std::string> all = group.gather_texts(own, "the processors of all");
  compute.sharing = static_cast<int>(std::count(all.begin(), all.end(), own));
  say(fmt::format("{} processes, {} on this machine; {} thread{} each", group.size(), compute.sharing,
                  chosen_threads(compute), chosen_threads(compute) == 1 ? "" : "s"));
}

[[noreturn]] void end_at_once(const std::string& sentence) {
  complain(sentence);
  std::_Exit(exit_failure);
}

}  // namespace

void add_process_options(CLI::App& verb, ProcessOptions& options) {
  verb.add_option(
          "--process-timeout", options.timeout,
          "Seconds without a sign of life or progress after which a process counts as lost, and the others stop "
          "(300)")
      ->check(between(1.0, 1e6))
      ->group("Several processes");
  verb.add_option("--process-backend", options.backend,
                  "How processes exchange tensors: auto (nccl between CUDA devices, else gloo), gloo, nccl, mpi")
      ->check(one_of({"auto", "gloo", "nccl", "mpi"}))
      ->group("Several processes");
}

void refuse_idle_process_options(const CLI::App& verb, const ProcessPlace& place) {
  if (place.size > 1) return;
  refuse_idle(verb, {"--process-timeout", "--process-backend"},
              "in a process alone (iddpm launch --processes 2 -- ... starts several)");
}

void work_together(const ProcessOptions& options, ComputeOptions& compute,
                   const std::function<void(const std::shared_ptr<ProcessGroup>&)>& work) {
  const ProcessPlace place = process_place();
  if (place.size == 1) return work(std::make_shared<SingleProcess>());
  speak_as(place.rank);
  take_own_device(compute, place);
  JoinOptions join;
  join.device = chosen_device(compute);
  join.backend = parse_process_backend(options.backend);
  join.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(1000 * options.timeout));
  join.on_lost = end_at_once;
  const std::shared_ptr<ProcessGroup> group = join_processes(place, join);
  try {
    share_cores(compute, *group);
    work(group);
  } catch (const c10::Error& error) {
    group->leave(error.what_without_backtrace());
    throw;
  } catch (const std::exception& error) {
    group->leave(error.what());
    throw;
  }
}

}  // namespace iddpm::cli
