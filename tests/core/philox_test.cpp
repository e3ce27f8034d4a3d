#include "iddpm/core/philox.h"

#include <gtest/gtest.h>

namespace iddpm {
namespace {

using Block = std::array<std::uint32_t, 4>;

// The answers published with Random123, the library of Philox's authors.
TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}), (Block{0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8}));
  EXPECT_EQ(philox4x32_10({0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, {0xFFFFFFFF, 0xFFFFFFFF}),
            (Block{0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD}));
  EXPECT_EQ(philox4x32_10({0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344}, {0xA4093822, 0x299F31D0}),
            (Block{0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1}));
}

TEST(Philox, IsAConstantExpression) {
  constexpr Block block = philox4x32_10({0, 0, 0, 0}, {0, 0});
  static_assert(block[0] == 0x6627E8D5);
}

}  // namespace
}  // namespace iddpm
