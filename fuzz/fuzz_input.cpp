#include "fuzz/fuzz_input.h"

#include <ATen/Parallel.h>

#include <cstdio>
#include <cstdlib>

#include "iddpm/core/memory_limit.h"
#include "tests/temporary_folder.h"

namespace iddpm::fuzz {

std::filesystem::path file_of(std::string_view bytes, const std::string& name) {
  static const TemporaryFolder folder("fuzz");
  return folder.write(name, bytes);
}

void demand(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

}  // namespace iddpm::fuzz

// Called by libFuzzer before the first input. What a file claims is held to 64 MiB, so that libFuzzer's own limit
// (scripts/fuzz.sh) is passed only by memory that no claim was checked for.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  iddpm::set_memory_limit(std::uint64_t{1} << 26);
  at::set_num_threads(1);
  return 0;
}
