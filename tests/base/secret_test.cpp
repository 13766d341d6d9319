#include <sidegate/base/secret.hpp>

#include <gtest/gtest.h>

#include <concepts>
#include <sstream>
#include <string>
#include <utility>

namespace sidegate::base {
namespace {

constexpr std::string_view kShort = "hunter2";  // lives inside the string object itself
const std::string kLong(100, 'k');

template <class T>
concept Streamable = requires(std::ostream& stream, const T& value) {
  stream << value;
};

static_assert(!Streamable<Secret>);
static_assert(!std::convertible_to<Secret, std::string_view>);
static_assert(!std::convertible_to<std::string, Secret>);

TEST(Secret, RevealsItsBytes) {
  const Secret secret(kLong);
  EXPECT_EQ(secret.reveal(), kLong);
  EXPECT_EQ(secret.size(), kLong.size());
  EXPECT_FALSE(secret.empty());
  EXPECT_TRUE(Secret().empty());
}

TEST(Secret, CopiesAreTheirOwn) {
  Secret first{std::string(kShort)};
  Secret second = first;
  first = Secret(kLong);
  EXPECT_EQ(second.reveal(), kShort);
  EXPECT_EQ(first.reveal(), kLong);
  second = first;
  EXPECT_EQ(second.reveal(), kLong);
}

TEST(Secret, AMoveLeavesNothingBehind) {
  for (const std::string& bytes : {std::string(kShort), kLong}) {
    Secret from(bytes);
    Secret to = std::move(from);
    EXPECT_EQ(to.reveal(), bytes);
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): what is left is the point
    Secret assigned(std::string(50, 'x'));
    assigned = std::move(to);
    EXPECT_EQ(assigned.reveal(), bytes);
    EXPECT_TRUE(to.empty());  // NOLINT(bugprone-use-after-move)
  }
}

TEST(Secret, SurvivesAssignmentToItself) {
  Secret secret(kLong);
  Secret& same = secret;
  secret = same;
  EXPECT_EQ(secret.reveal(), kLong);
  secret = std::move(same);
  EXPECT_EQ(secret.reveal(), kLong);
}

// The bytes of a short secret stay in the object that was moved from, unless they are wiped.
TEST(Secret, AMovedFromObjectHoldsNoByteOfIt) {
  Secret from{std::string(kShort)};
  const Secret to = std::move(from);
  const std::string_view memory(reinterpret_cast<const char*>(&from), sizeof from);
  EXPECT_EQ(memory.find(kShort), std::string_view::npos);
  EXPECT_EQ(to.reveal(), kShort);
}

TEST(Wipe, OverwritesAllThatTheStringOwns) {
  std::string bytes(64, 's');
  const char* const memory = bytes.data();
  wipe(bytes);
  EXPECT_TRUE(bytes.empty());
  ASSERT_EQ(bytes.data(), memory);
  ASSERT_GE(bytes.capacity(), 64U);
  // The string is empty, but its storage is still there to be looked at.
  std::size_t zeros = 0;
  for (std::size_t i = 0; i < 64; ++i) zeros += *const_cast<const volatile char*>(memory + i) == 0 ? 1U : 0U;
  EXPECT_EQ(zeros, 64U);
}

TEST(EqualInConstantTime, ComparesBytes) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time({}, ""));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("Abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abcd"));
  EXPECT_FALSE(equal_in_constant_time("", "a"));
  EXPECT_FALSE(equal_in_constant_time(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}

}  // namespace
}  // namespace sidegate::base
