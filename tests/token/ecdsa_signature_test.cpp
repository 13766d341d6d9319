#include "ecdsa_signature.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sidegate::token {
namespace {

using Bytes = std::vector<unsigned char>;

Bytes der_of(const std::string& raw) {
  EcdsaDer buffer;
  const auto der = to_der(raw, buffer);
  return {der.begin(), der.end()};
}

TEST(EcdsaSignature, NumbersAreWrittenAsShortAsTheyAre) {
  using namespace std::string_literals;
  EXPECT_EQ(der_of("\x01\x02\x03\x04"s), (Bytes{0x30, 8, 2, 2, 1, 2, 2, 2, 3, 4}));
  EXPECT_EQ(der_of("\0\x02\0\x04"s), (Bytes{0x30, 6, 2, 1, 2, 2, 1, 4})) << "zeros in front are left out";
  EXPECT_EQ(der_of("\x80\x02\xff\x04"s), (Bytes{0x30, 10, 2, 3, 0, 0x80, 2, 2, 3, 0, 0xff, 4}))
      << "and one is put in front of a number that would be negative";
  EXPECT_EQ(der_of("\0\x80\0\x7f"s), (Bytes{0x30, 7, 2, 2, 0, 0x80, 2, 1, 0x7f}));
  EXPECT_EQ(der_of("\0\0\0\0"s), (Bytes{0x30, 6, 2, 1, 0, 2, 1, 0})) << "zero has one byte";
}

TEST(EcdsaSignature, LongOnesHaveALongerHead) {
  const Bytes longest = der_of(std::string(2 * kCoordinateBytesMax, '\xff'));
  EXPECT_EQ(longest.size(), EcdsaDer().size()) << "no byte of the buffer is wasted";
  EXPECT_EQ(Bytes(longest.begin(), longest.begin() + 6), (Bytes{0x30, 0x81, 138, 2, 67, 0}));
  EXPECT_EQ(der_of(std::string(122, '\x7f'))[1], 126) << "a length of up to 127 is written as it is";
  EXPECT_EQ(der_of(std::string(124, '\x7f'))[1], 0x81);
}

}  // namespace
}  // namespace sidegate::token
