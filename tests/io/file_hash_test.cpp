#include "iddpm/io/file_hash.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "iddpm/core/error.h"

namespace iddpm {
namespace {

// The examples of NIST's "Secure Hash Standard" test vectors (FIPS 180-4).
TEST(Sha256, GivesTheValuesOfTheStandard) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowTheBytesArrive) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
  for (std::size_t length = 0; length <= text.size(); length += 13) {
    for (const std::size_t piece : {1, 5, 63, 64, 65, 128}) {
      Sha256 hash;
      for (std::size_t first = 0; first < length; first += piece) {
        hash.add(std::as_bytes(std::span(text).subspan(first, std::min(piece, length - first))));
      }
      EXPECT_EQ(hash.hex(), sha256(text.substr(0, length))) << length << " bytes in pieces of " << piece;
    }
  }
}

TEST(Sha256, OfAFileIsThatOfItsBytes) {
  const auto path = std::filesystem::temp_directory_path() / "iddpm_file_hash_test.bin";
  const std::string contents(3'000'000, 'x');
  std::ofstream(path, std::ios::binary) << contents;
  EXPECT_EQ(sha256_of_file(path), sha256(contents));
  std::filesystem::remove(path);
  EXPECT_THROW(sha256_of_file(path), Error);
}

TEST(Sha256, OfTensorsIgnoresTheirOrderButNotTheirNamesShapesOrTypes) {
  const Tensor a = at::arange(6, at::kFloat).view({2, 3});
  const Tensor b = at::ones({4});
  const std::string hash = sha256_of_tensors({{"a", a}, {"b", b}});
  EXPECT_EQ(sha256_of_tensors({{"b", b}, {"a", a}}), hash);
  EXPECT_EQ(sha256_of_tensors({{"a", a.t().contiguous().t()}, {"b", b}}), hash);
  EXPECT_NE(sha256_of_tensors({{"a", b}, {"b", a}}), hash);
  EXPECT_NE(sha256_of_tensors({{"a", a.view({3, 2})}, {"b", b}}), hash);
  EXPECT_NE(sha256_of_tensors({{"a", a}, {"b", b.to(at::kDouble)}}), hash);
}

}  // namespace
}  // namespace iddpm
