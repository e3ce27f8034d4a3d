#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace iddpm {

/// Which of the processes that were started together this one is, and where they meet.
struct ProcessPlace {
  std::int64_t rank = 0;
  std::int64_t size = 1;
  std::optional<std::int64_t> local_rank = {};  ///< among those of this machine, where the launcher says so
  std::string address = "127.0.0.1";            ///< of the machine of rank 0
  std::int64_t port = 29500;                    ///< on which rank 0 is to be reached there
  std::int64_t restarts = 0;                    ///< how often the launcher has started all of them again
  std::string launch = {};  ///< what only this launch is called; empty: its launcher has no name for it
};

/// The value of an environment variable, if it is set.
using EnvironmentVariables = std::function<std::optional<std::string>(const char* name)>;

/// What the launcher's variables say: those of torchrun (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT), which
/// come first, of mpirun (OMPI_COMM_WORLD_RANK, ... or PMI_RANK, PMI_SIZE) or of srun (SLURM_PROCID,
/// SLURM_STEP_NUM_TASKS, SLURM_LOCALID). Without any it is a process alone. Where torchrun keeps MASTER_PORT for itself
/// (TORCHELASTIC_USE_AGENT_STORE), the one after it is taken. Throws Error if only a part of them is set, or they
/// contradict each other.
ProcessPlace process_place(const EnvironmentVariables& variable);
/// The same of this process.
ProcessPlace process_place();

/// The first host of a list as SLURM writes it: "node[03-07,12],other" is "node03". Empty if there is none.
std::string first_host(const std::string& list);

/// Which part of `rows` is whose: rows begin .. begin + count - 1, whose counts differ by 1 at most.
struct RowShare {
  std::int64_t begin = 0;
  std::int64_t count = 0;
};
RowShare share_of(std::int64_t rows, std::int64_t rank, std::int64_t size);

}  // namespace iddpm
