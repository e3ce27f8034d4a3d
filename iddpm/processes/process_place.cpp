#include "iddpm/processes/process_place.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "iddpm/core/error.h"
#include "iddpm/core/quote.h"

namespace iddpm {
namespace {

constexpr std::int64_t most_processes = 1 << 20;

// The names under which a launcher says where a process is.
struct LauncherNames {
  const char* rank;
  const char* size;
  const char* local_rank;
};
constexpr LauncherNames torchrun = {"RANK", "WORLD_SIZE", "LOCAL_RANK"};
constexpr std::array other_launchers = {
    LauncherNames{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
    LauncherNames{"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
    // SLURM_NTASKS is set in a batch script too, which is no task of a step.
    LauncherNames{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"}};

std::optional<std::int64_t> number_of(const EnvironmentVariables& variable, const char* name, std::int64_t least,
                                      std::int64_t most) {
  const std::optional<std::string> text = variable(name);
  if (!text) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  require(
      !text->empty() && error == std::errc() && end == text->data() + text->size() && value >= least && value <= most,
      "{}: expected a number of {} to {} in the environment, got {}", name, least, most, quote(*text));
  return value;
}

// Nothing if the launcher says nothing.
std::optional<ProcessPlace> place_by(const LauncherNames& names, const EnvironmentVariables& variable) {
  const auto rank = number_of(variable, names.rank, 0, most_processes);
  const auto size = number_of(variable, names.size, 1, most_processes);
  if (!rank && !size) return std::nullopt;
  require(rank && size, "{} is set in the environment, {} is not; expected both, or neither for a process alone",
          rank ? names.rank : names.size, rank ? names.size : names.rank);
  require(*rank < *size, "{} is {} and {} is {} in the environment; expected a rank of 0 to {}", names.rank, *rank,
          names.size, *size, *size - 1);
  const auto local_rank = number_of(variable, names.local_rank, 0, most_processes);
  require(!local_rank || *local_rank <= *rank, "{} is {} and {} is {} in the environment; expected none that is larger",
          names.local_rank, local_rank.value_or(0), names.rank, *rank);
  ProcessPlace place;
  place.rank = *rank;
  place.size = *size;
  place.local_rank = local_rank;
  return place;
}

void set_meeting_place(ProcessPlace& place, const EnvironmentVariables& variable, bool by_torchrun) {
  const auto port = number_of(variable, "MASTER_PORT", 1, 65534);
  const auto address = variable("MASTER_ADDR").value_or("");
  if (by_torchrun) {
    require(!address.empty() && port,
            "{} is missing in the environment, in which RANK and WORLD_SIZE are set; expected where rank 0 is to be "
            "reached",
            address.empty() ? "MASTER_ADDR" : "MASTER_PORT");
  }
  place.address = address;
  place.port = port.value_or(place.port);
  if (by_torchrun && variable("TORCHELASTIC_USE_AGENT_STORE") == "True") ++place.port;
  if (!address.empty()) return;
  const auto local_size = number_of(variable, "OMPI_COMM_WORLD_LOCAL_SIZE", 1, most_processes);
  const auto hydra_local_size = number_of(variable, "MPI_LOCALNRANKS", 1, most_processes);
  const std::string host = first_host(variable("SLURM_STEP_NODELIST").value_or(""));
  if (local_size.value_or(hydra_local_size.value_or(0)) == place.size) {
    place.address = "127.0.0.1";
  } else {
    require(!host.empty(),
            "MASTER_ADDR is missing in the environment of a process that was started together with others; expected "
            "the name of the machine of rank 0 (mpirun -x MASTER_ADDR=...)");
    place.address = host;
  }
}

}  // namespace

std::string first_host(const std::string& list) {
  const std::size_t bracket = list.find('[');
  const std::size_t comma = list.find(',');
  if (bracket == std::string::npos || comma < bracket) return list.substr(0, comma);
  const std::size_t end = list.find_first_of(",-]", bracket);
  return list.substr(0, bracket) + list.substr(bracket + 1, end == std::string::npos ? end : end - bracket - 1);
}

ProcessPlace process_place(const EnvironmentVariables& variable) {
  std::optional<ProcessPlace> place = place_by(torchrun, variable);
  const bool by_torchrun = place.has_value();
  for (const LauncherNames& names : other_launchers) {
    if (!place && !(variable(names.rank) && !variable(names.size) && std::string_view(names.rank) == "SLURM_PROCID")) {
      place = place_by(names, variable);
    }
  }
  if (!place) return {};
  if (place->size > 1) set_meeting_place(*place, variable, by_torchrun);
  place->restarts = number_of(variable, "IDDPM_RESTART_COUNT", 0, most_processes)
                        .value_or(number_of(variable, "TORCHELASTIC_RESTART_COUNT", 0, most_processes).value_or(0));
  place->launch = variable("IDDPM_LAUNCH").value_or("");
  return *place;
}

ProcessPlace process_place() {
  return process_place([](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
}

RowShare share_of(std::int64_t rows, std::int64_t rank, std::int64_t size) {
  const std::int64_t begin = rows / size * rank + std::min(rank, rows % size);
  return {.begin = begin, .count = rows / size + (rank < rows % size ? 1 : 0)};
}

}  // namespace iddpm
