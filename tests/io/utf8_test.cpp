#include "iddpm/io/utf8.h"

#include <gtest/gtest.h>

namespace iddpm {
namespace {

TEST(Utf8, TextStaysAsItIs) {
  for (const char* text : {"", "plain", "\xc3\xbcn\xc3\xaf", "\xe5\x9b\xbe", "\xf0\x9f\x98\x80"}) {
    EXPECT_TRUE(is_utf8(text));
    EXPECT_EQ(utf8_text(text), text);
    EXPECT_EQ(utf8_bytes(text), text);
  }
}

TEST(Utf8, OtherBytesComeBack) {
  // Latin-1, a lone continuation, overlong, a surrogate, cut off, and a character of the private range itself.
  for (const char* bytes :
       {"caf\xe9", "\x80", "\xc0\xaf", "\xed\xa0\x80", "a\xe2\x82", "\xef\x9f\xa9", "\xf5\x80\x80\x80"}) {
    const std::string text = utf8_text(bytes);
    EXPECT_TRUE(is_utf8(text)) << text;
    EXPECT_NE(text, bytes);
    EXPECT_EQ(utf8_bytes(text), bytes);
  }
}

}  // namespace
}  // namespace iddpm
