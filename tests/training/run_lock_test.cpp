#include "iddpm/training/run/run_lock.h"

#include <unistd.h>

#include "tests/training/training_fixtures.h"

namespace iddpm {

TEST(RunLock, RefusesASecondTrainingAndNamesTheFirst) {
  const TemporaryFolder run;
  {
    const RunLock lock(run.path());
    const std::string error = error_of([&] { const RunLock second(run.path()); });
    EXPECT_TRUE(contains(error, run.path().string())) << error;
    EXPECT_TRUE(contains(error, "process " + std::to_string(getpid()))) << error;
  }
  EXPECT_NO_THROW(const RunLock again(run.path())) << "it was let go of";
}

TEST(RunLock, MovesWithItsOwner) {
  const TemporaryFolder run;
  RunLock first(run.path());
  const RunLock second(std::move(first));
  EXPECT_NE(error_of([&] { const RunLock third(run.path()); }), "");
}

}  // namespace iddpm
