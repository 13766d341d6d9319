#include <sidegate/token/token_digest.hpp>

#include <gtest/gtest.h>

#include <string>

namespace sidegate::token {
namespace {

std::string hex_of(const std::optional<TokenDigest::Bytes>& digest) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const unsigned byte : digest.value()) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 0xFU];
  }
  return text;
}

// FIPS 180-4; the examples of NIST.
TEST(TokenDigest, IsSha256HoweverOftenItIsUsed) {
  TokenDigest digest;
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(hex_of(digest.of("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex_of(digest.of("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex_of(digest.of(std::string(1'000'000, 'a'))),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

}  // namespace
}  // namespace sidegate::token
