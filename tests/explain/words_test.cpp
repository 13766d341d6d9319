#include "words.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sidegate::explain {
namespace {

using base::Reason;

TEST(Words, EveryReasonThatARequestAloneCanHaveIsTold) {
  // What is wrong with a token its own checks say; the others happen to connections and origins.
  const auto begins = static_cast<std::size_t>(Reason::BadRequestLine);
  for (std::size_t i = begins; i <= static_cast<std::size_t>(Reason::MethodNotAllowed); ++i) {
    const auto reason = static_cast<Reason>(i);
    const bool elsewhere = reason == Reason::BadChunk || reason == Reason::BadTrailer ||
                           reason == Reason::TokenTooLarge || reason == Reason::TooManyConnections ||
                           reason == Reason::OutOfMemory || reason == Reason::ClientTimeout;
    EXPECT_EQ(sentence_for(reason).empty(), elsewhere) << base::name_of(reason);
  }
}

TEST(Words, ARouteSaysWhatItWantsInstead) {
  config::Route route;
  route.paths = {{"/a", {}}, {"/b/**", {}}};
  route.hosts = {{"h.example", {}}};
  route.methods = {{"GET", {}}};
  EXPECT_EQ(why_not(policy::Mismatch::Path, route), "its paths are /a, /b/**");
  EXPECT_EQ(why_not(policy::Mismatch::Host, route), "its host is h.example");
  EXPECT_EQ(why_not(policy::Mismatch::Method, route), "its method is GET");
  EXPECT_EQ(why_not(policy::Mismatch::None, route), "");
}

TEST(Words, EveryRemovalHasAWord) {
  using Cause = http::HeaderFilter::Cause;
  using http::Removal;
  EXPECT_EQ(cause_of(Removal::None, Cause::None).word, "");
  EXPECT_EQ(cause_of(Removal::Nominated, Cause::None).word, "connection");
  EXPECT_EQ(cause_of(Removal::Expectation, Cause::None).word, "connection");
  EXPECT_EQ(cause_of(Removal::Credential, Cause::None).word, "credential");
  EXPECT_EQ(cause_of(Removal::Replaced, Cause::None).word, "replaced");
  EXPECT_EQ(cause_of(Removal::Filter, Cause::OddName).word, "odd_name");
  EXPECT_EQ(cause_of(Removal::Filter, Cause::Connection).word, "connection");
  EXPECT_EQ(cause_of(Removal::Filter, Cause::Forwarding).word, "forwarding");
  EXPECT_EQ(cause_of(Removal::Filter, Cause::Configured).word, "identity");
}

}  // namespace
}  // namespace sidegate::explain
