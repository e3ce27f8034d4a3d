# What LibTorch's c10d (work in several processes) can be used with: IDDPM_C10D_GLOO, _NCCL, _MPI. Without Gloo the
# program works in one process. Looked at by compiling and linking, since LibTorch's configuration doesn't say.
include(CheckCXXSourceCompiles)

option(IDDPM_MPI "Let processes exchange tensors by MPI too, where LibTorch can (--process-backend mpi)" OFF)

function(iddpm_check_c10d backend use)
  set(CMAKE_REQUIRED_QUIET TRUE)
  set(CMAKE_REQUIRED_INCLUDES ${TORCH_INCLUDE_DIRS})
  set(CMAKE_REQUIRED_FLAGS "${TORCH_CXX_FLAGS} -std=c++17")
  set(CMAKE_REQUIRED_LIBRARIES torch ${ARGN})
  set(header ProcessGroup${backend})
  if(backend STREQUAL "GLOO")
    set(header ProcessGroupGloo)
  endif()
  check_cxx_source_compiles("#ifndef USE_C10D_${backend}
#define USE_C10D_${backend}
#endif
#include <torch/csrc/distributed/c10d/${header}.hpp>
int main() { return ${use} ? 1 : 0; }" IDDPM_C10D_${backend})
endfunction()

iddpm_check_c10d(GLOO "c10d::ProcessGroupGloo::createDefaultDevice() == nullptr")
if(IDDPM_C10D_GLOO)
  iddpm_check_c10d(NCCL "c10d::ProcessGroupNCCL::Options::create()->is_high_priority_stream")
  if(IDDPM_MPI)
    find_package(MPI REQUIRED COMPONENTS CXX)
    iddpm_check_c10d(MPI "c10d::ProcessGroupMPI::createProcessGroupMPI()->getSize()" MPI::MPI_CXX)
  endif()
else()
  message(STATUS "LibTorch without c10d and Gloo: the program will work in one process only")
endif()
