#include <sidegate/revocation/revocations.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "folder.hpp"
#include "rule_file.hpp"

namespace sidegate::revocation {
namespace {

using base::UnixTime;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Result = Revocations::Addition::Result;

constexpr UnixTime kNow{std::chrono::seconds(1'000)};
constexpr UnixTime kLater{std::chrono::seconds(2'000)};

Rule rule_of(std::string jti, UnixTime expires = kLater) {
  return {.authenticator = "staff", .kind = Rule::Kind::Jti, .name = std::move(jti), .expires = expires};
}

std::vector<std::string> names_of(const std::vector<Rule>& rules) {
  std::vector<std::string> names;
  for (const Rule& rule : rules) names.push_back(rule.name);
  return names;
}

std::vector<std::string> names_in(const std::string& file) {
  const auto rules = read_rules(file);
  if (!rules) return {rules.error().text};
  return *rules ? names_of(**rules) : std::vector<std::string>{"no file"};
}

bool is_revoked(const Revocations& revocations, std::string_view jti) {
  const Credential credential{.authenticator = "staff", .subject = "s", .jti = jti, .issued = {}, .digest = {}};
  return revocations.list()->revokes(credential, kNow);
}

TEST(Revocations, WithoutAFileTheyAreInMemory) {
  Revocations revocations;
  EXPECT_EQ(revocations.version(), 0U);
  EXPECT_FALSE(is_revoked(revocations, "one"));
  EXPECT_EQ(revocations.add({rule_of("one")}, kNow).result, Result::Kept);
  EXPECT_EQ(revocations.version(), 1U);
  EXPECT_TRUE(is_revoked(revocations, "one"));
  EXPECT_EQ(revocations.add({rule_of("one")}, kNow).result, Result::Kept);
  EXPECT_EQ(revocations.version(), 1U) << "nothing new";
  EXPECT_FALSE(*revocations.read_again(kNow));
}

TEST(Revocations, AListStaysAsItWasForWhoeverHoldsIt) {
  Revocations revocations;
  const auto before = revocations.list();
  revocations.add({rule_of("one")}, kNow);
  EXPECT_EQ(before->rules_of("staff"), nullptr);
}

TEST(Revocations, TheFileIsMadeByTheFirst) {
  const Folder folder;
  const auto file = folder.file("revoked.json");
  Revocations revocations;
  ASSERT_TRUE(revocations.follow(file, kNow));
  EXPECT_FALSE(std::filesystem::exists(file));
  ::umask(0);
  EXPECT_EQ(revocations.add({rule_of("one")}, kNow).result, Result::Kept);
  ::umask(022);
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(
      folder.read("revoked.json"),
      "{\"revocations\":[\n{\"authenticator\":\"staff\",\"jti\":\"one\",\"expires\":\"1970-01-01T00:33:20Z\"}\n]}\n");
  EXPECT_FALSE(std::filesystem::exists(file + ".new"));

  Revocations next;
  ASSERT_TRUE(next.follow(file, kNow));
  EXPECT_TRUE(is_revoked(next, "one"));
}

TEST(Revocations, WhatSomebodyElseAddedIsKept) {
  const Folder folder;
  const auto file = folder.file("revoked.json");
  Revocations here;
  Revocations there;
  ASSERT_TRUE(here.follow(file, kNow));
  ASSERT_TRUE(there.follow(file, kNow));
  here.add({rule_of("one")}, kNow);
  there.add({rule_of("two")}, kNow);
  EXPECT_THAT(names_in(file), ElementsAre("one", "two"));
  EXPECT_TRUE(is_revoked(there, "one"));
  EXPECT_FALSE(is_revoked(here, "two"));
  EXPECT_TRUE(*here.read_again(kNow));
  EXPECT_TRUE(is_revoked(here, "two"));
  EXPECT_FALSE(*here.read_again(kNow));
}

TEST(Revocations, ManyAtTheSameTimeLoseNothing) {
  const Folder folder;
  const auto file = folder.file("revoked.json");
  Revocations here;
  Revocations there;
  ASSERT_TRUE(here.follow(file, kNow));
  ASSERT_TRUE(there.follow(file, kNow));
  constexpr int kEach = 25;
  const auto add = [](Revocations& revocations, const std::string& prefix) {
    for (int i = 0; i < kEach; ++i) {
      const auto add_it = [&] { return revocations.add({rule_of(prefix + std::to_string(i))}, kNow).result; };
      // The lock of the file is waited for for a second, and is not fair.
      auto result = add_it();
      for (int more = 0; more < 20 && result != Result::Kept; ++more) result = add_it();
      EXPECT_EQ(result, Result::Kept);
      EXPECT_TRUE(is_revoked(revocations, prefix + std::to_string(i)));
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back(add, std::ref(here), "a");
  threads.emplace_back(add, std::ref(here), "b");
  threads.emplace_back(add, std::ref(there), "c");
  std::thread reader([&here] {
    std::uint64_t version = 0;
    for (int i = 0; i < 1'000; ++i) {
      const auto now = here.version();
      EXPECT_GE(now, version);
      version = now;
      is_revoked(here, "a0");
    }
  });
  for (auto& thread : threads) thread.join();
  reader.join();
  EXPECT_EQ(names_in(file).size(), 3U * kEach);
}

TEST(Revocations, ARuleTakenOutOfTheFileByHandIsGone) {
  const Folder folder;
  const auto file = folder.file("revoked.json");
  Revocations revocations;
  ASSERT_TRUE(revocations.follow(file, kNow));
  revocations.add({rule_of("one"), rule_of("two")}, kNow);
  folder.write("revoked.json", R"({"revocations":[{"authenticator":"staff","jti":"two","expires":2000}]})");
  EXPECT_TRUE(*revocations.read_again(kNow));
  EXPECT_FALSE(is_revoked(revocations, "one"));
  EXPECT_TRUE(is_revoked(revocations, "two"));
}

TEST(Revocations, AFileThatCannotBeReadLeavesWhatIsInForce) {
  const Folder folder;
  const auto file = folder.file("revoked.json");
  Revocations revocations;
  ASSERT_TRUE(revocations.follow(file, kNow));
  revocations.add({rule_of("one")}, kNow);
  folder.write("revoked.json", "{");
  const auto read = revocations.read_again(kNow);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().text, HasSubstr(file + ": it is not JSON"));
  EXPECT_TRUE(is_revoked(revocations, "one"));

  const auto added = revocations.add({rule_of("two")}, kNow);
  EXPECT_EQ(added.result, Result::InMemory) << "what somebody wrote is not written over";
  EXPECT_THAT(added.why, HasSubstr("it is not JSON"));
  EXPECT_TRUE(is_revoked(revocations, "two"));
  EXPECT_EQ(folder.read("revoked.json"), "{");

  folder.write("revoked.json", R"({"revocations":[]})");
  EXPECT_TRUE(*revocations.read_again(kNow));
  EXPECT_FALSE(is_revoked(revocations, "one"));
  EXPECT_TRUE(is_revoked(revocations, "two")) << "it was never in the file";
  EXPECT_EQ(revocations.add({rule_of("three")}, kNow).result, Result::Kept);
  EXPECT_THAT(names_in(file), ElementsAre("three", "two"));
}

TEST(Revocations, AFileThatHasGoneLeavesThemToo) {
  const Folder folder;
  const auto file = folder.file("revoked.json");
  Revocations revocations;
  ASSERT_TRUE(revocations.follow(file, kNow));
  revocations.add({rule_of("one")}, kNow);
  std::filesystem::remove(file);
  EXPECT_THAT(revocations.read_again(kNow).error().text, HasSubstr("it has gone"));
  EXPECT_TRUE(is_revoked(revocations, "one"));
  EXPECT_EQ(revocations.add({rule_of("two")}, kNow).result, Result::Kept);
  EXPECT_THAT(names_in(file), ElementsAre("one", "two"));
}

TEST(Revocations, AFileThatCannotBeReadIsNotFollowed) {
  const Folder folder;
  folder.write("broken.json", R"({"revocations":[{}]})");
  std::filesystem::create_directory(folder.file("folder"));
  ASSERT_EQ(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
  Revocations revocations;
  EXPECT_THAT(revocations.follow(folder.file("broken.json"), kNow).error().text,
              HasSubstr("broken.json: entry 1: \"authenticator\" is missing"));
  EXPECT_THAT(revocations.follow(folder.file("folder"), kNow).error().text, HasSubstr("it is no regular file"));
  EXPECT_THAT(revocations.follow(folder.file("pipe"), kNow).error().text, HasSubstr("it is no regular file"));
  EXPECT_EQ(revocations.add({rule_of("one")}, kNow).result, Result::Kept) << "in memory, as before";
  EXPECT_FALSE(std::filesystem::exists(folder.file("folder.lock")));
}

TEST(Revocations, AFileThatCannotBeWrittenLeavesThemInMemory) {
  const Folder folder;
  const auto file = folder.file("missing/revoked.json");
  Revocations revocations;
  ASSERT_TRUE(revocations.follow(file, kNow));
  const auto added = revocations.add({rule_of("one")}, kNow);
  EXPECT_EQ(added.result, Result::InMemory);
  EXPECT_THAT(added.why, HasSubstr("No such file or directory"));
  EXPECT_TRUE(is_revoked(revocations, "one"));
  std::filesystem::create_directory(folder.file("missing"));
  revocations.add({rule_of("two")}, kNow);
  EXPECT_THAT(names_in(file), ElementsAre("one", "two"));
}

TEST(Revocations, ALockThatSomebodyHoldsIsNotWaitedForEver) {
  const Folder folder;
  const auto file = folder.file("revoked.json");
  Revocations revocations;
  ASSERT_TRUE(revocations.follow(file, kNow));
  const auto lock = FileLock::take(file);
  ASSERT_TRUE(lock);
  const auto added = revocations.add({rule_of("one")}, kNow);
  EXPECT_EQ(added.result, Result::InMemory);
  EXPECT_THAT(added.why, HasSubstr("is locked by another process"));
}

TEST(Revocations, AnotherFileIsTakenInAddition) {
  const Folder folder;
  const auto first = folder.file("first.json");
  const auto second =
      folder.write("second.json", R"({"revocations":[{"authenticator":"staff","jti":"three","expires":2000}]})");
  Revocations revocations;
  revocations.add({rule_of("one")}, kNow);
  ASSERT_TRUE(revocations.follow(first, kNow));
  EXPECT_THAT(names_in(first), ElementsAre("one")) << "from now on it outlives a restart";
  revocations.add({rule_of("two")}, kNow);
  ASSERT_TRUE(revocations.follow(second, kNow));
  EXPECT_THAT(names_of(revocations.rules()), ElementsAre("one", "three", "two"));
  EXPECT_THAT(names_in(second), ElementsAre("one", "three", "two"));
  EXPECT_THAT(names_in(first), ElementsAre("one", "two"));
  ASSERT_TRUE(revocations.follow("", kNow));
  EXPECT_THAT(names_of(revocations.rules()), ElementsAre("one", "three", "two"));
}

TEST(Revocations, WhatHasExpiredIsDroppedWithTheNextChange) {
  const Folder folder;
  const auto file = folder.file("revoked.json");
  Revocations revocations;
  ASSERT_TRUE(revocations.follow(file, kNow));
  revocations.add({rule_of("one", kNow + std::chrono::seconds(1))}, kNow);
  revocations.add({rule_of("two")}, kNow + std::chrono::seconds(1));
  EXPECT_THAT(names_of(revocations.rules()), ElementsAre("two"));
  EXPECT_THAT(names_in(file), ElementsAre("two"));
}

TEST(Revocations, ThereIsALimit) {
  Revocations revocations;
  std::vector<Rule> rules(kRulesMax);
  for (std::size_t i = 0; i < rules.size(); ++i) rules[i] = rule_of(std::to_string(i));
  EXPECT_EQ(revocations.add(rules, kNow).result, Result::Kept);
  EXPECT_EQ(revocations.add({rule_of("one too many")}, kNow).result, Result::TooMany);
  EXPECT_FALSE(is_revoked(revocations, "one too many"));
  EXPECT_EQ(revocations.add({rule_of("7")}, kNow).result, Result::Kept) << "it is there already";
  EXPECT_EQ(revocations.add({rule_of("later")}, kLater).result, Result::Kept) << "all others have expired";
  EXPECT_THAT(names_of(revocations.rules()), IsEmpty()) << "and so has this one";
}

}  // namespace
}  // namespace sidegate::revocation
