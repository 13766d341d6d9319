#include <sidegate/token/base64url.hpp>

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace sidegate::token {
namespace {

struct Pair {
  std::string_view bytes;
  std::string_view text;
};

// RFC 4648 section 10, without the padding; then RFC 7515 appendix C.
constexpr std::array<Pair, 8> kPairs{{{"", ""},
                                      {"f", "Zg"},
                                      {"fo", "Zm8"},
                                      {"foo", "Zm9v"},
                                      {"foob", "Zm9vYg"},
                                      {"fooba", "Zm9vYmE"},
                                      {"foobar", "Zm9vYmFy"},
                                      {"\x03\xec\xff\xe0\xc1", "A-z_4ME"}}};

TEST(Base64Url, EncodesAndDecodesTheVectors) {
  for (const auto& [bytes, text] : kPairs) {
    SCOPED_TRACE(text);
    std::string encoded;
    append_base64url(encoded, bytes);
    EXPECT_EQ(encoded, text);
    EXPECT_EQ(encoded_size(bytes.size()), text.size());
    EXPECT_EQ(decoded_size(text.size()), bytes.size());
    EXPECT_EQ(decode_base64url(text), std::string(bytes));
  }
}

struct Refused {
  std::string_view name;
  std::string_view text;
};

TEST(Base64Url, RefusesEverythingElse) {
  using namespace std::string_view_literals;
  const std::array<Refused, 15> cases{{{"one letter too many", "Zm9vY"},
                                       {"a single letter", "Z"},
                                       {"padding", "Zg=="},
                                       {"padding of one", "Zm8="},
                                       {"left-over bits after one byte", "Zh"},
                                       {"left-over bits after two bytes", "Zm9"},
                                       {"the other alphabet, plus", "A+z_"},
                                       {"the other alphabet, slash", "A-z/"},
                                       {"a blank", "Zm 9"},
                                       {"a line feed at the end", "Zm9v\n"},
                                       {"a line feed inside", "Zm\n9"},
                                       {"a full stop", "Zm.9"},
                                       {"a NUL", "Zm\0v"sv},
                                       {"a byte beyond ASCII", "Zm9\xff"},
                                       {"a bad letter in the tail", "Zm9vZ="}}};
  for (const auto& [name, text] : cases) EXPECT_EQ(decode_base64url(text), std::nullopt) << name;
}

TEST(Base64Url, RefusesABufferThatIsTooSmall) {
  std::array<char, 2> buffer{};
  EXPECT_EQ(decode_base64url("Zm9v", buffer), std::nullopt);
  EXPECT_EQ(decode_base64url("Zm8", buffer), 2U);
}

TEST(Base64Url, EveryTextOfThreeLettersThatDecodesIsTheTextOfItsBytes) {
  for (unsigned code = 0; code < 1U << 16U; ++code) {
    const std::string text{'Z', static_cast<char>(code >> 8U), static_cast<char>(code & 0xFFU)};
    const auto bytes = decode_base64url(text);
    if (!bytes) continue;
    std::string encoded;
    append_base64url(encoded, *bytes);
    ASSERT_EQ(encoded, text);
  }
}

TEST(Base64Url, RandomBytesComeBack) {
  std::mt19937 random(7);
  for (std::size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() & 0xFFU);
    std::string text;
    append_base64url(text, bytes);
    ASSERT_EQ(decode_base64url(text), bytes);
  }
}

}  // namespace
}  // namespace sidegate::token
