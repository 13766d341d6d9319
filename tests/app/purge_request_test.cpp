#include "purge_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidegate::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(PurgeRequest, NamesEverythingOrASubjectOrAToken) {
  const auto all = read_purge("{}");
  ASSERT_TRUE(all.has_value());
  EXPECT_FALSE(all->subject);
  EXPECT_FALSE(all->token);
  EXPECT_EQ(read_purge(R"({"subject":"ann"})")->subject, "ann");
  EXPECT_EQ(read_purge(R"({"token":"abc"})")->token->reveal(), "abc");
}

TEST(PurgeRequest, MistakesAreNamedAndNothingIsRepeated) {
  for (const auto& [text, expected] : {std::pair{"", "not a JSON object"},
                                       {"[]", "not a JSON object"},
                                       {R"({"subject":"hunter2","subject":"b"})", "has a member twice"},
                                       {R"({"subject":"hunter2","token":"b"})", "at most one of"},
                                       {R"({"hunter2":"b"})", "there are only the members"},
                                       {R"({"subject":""})", "\"subject\": a text that is not empty is wanted"},
                                       {R"({"token":5})", "\"token\": a text that is not empty is wanted"}}) {
    const auto purge = read_purge(text);
    ASSERT_FALSE(purge.has_value()) << text;
    EXPECT_THAT(purge.error().text, HasSubstr(expected)) << text;
    EXPECT_THAT(purge.error().text, Not(HasSubstr("hunter2")));
  }
}

}  // namespace
}  // namespace sidegate::app
