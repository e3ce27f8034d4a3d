#include "iddpm/kernels/cpu/thread_patience.h"

#include <gtest/gtest.h>

namespace iddpm::kernels {

TEST(ThreadPatience, ComesWithOtherProgramsAndGoesAfterThem) {
  PatienceControl control;
  EXPECT_FALSE(control.update(3)) << "a quiet machine";
  EXPECT_TRUE(control.update(200)) << "a shared one";
  for (int second = 1; second < 10; ++second) EXPECT_TRUE(control.update(0)) << second;
  EXPECT_FALSE(control.update(0)) << "quiet for ten seconds";
}

TEST(ThreadPatience, LastsLongerWhereTheMachineIsSharedNowAndThen) {
  PatienceControl control;
  control.update(200);
  for (int second = 0; second < 10; ++second) control.update(0);
  EXPECT_TRUE(control.update(200));
  for (int second = 1; second < 20; ++second) EXPECT_TRUE(control.update(0)) << second;
  EXPECT_FALSE(control.update(0));
}

TEST(ThreadPatience, EndsAtOnce) {
  for (int i = 0; i < 3; ++i) const ThreadPatience patience;
}

}  // namespace iddpm::kernels
