#include "temporary_file.hpp"

#include <sidegate/telemetry/log.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <system_error>
#include <thread>

namespace sidegate::telemetry {
namespace {

constexpr std::string_view kTime = R"(20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{6}Z)";

std::string with_time(std::string_view before, std::string_view after) {
  return std::string(before) + std::string(kTime) + std::string(after);
}

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { open_log({}); }

  void open(const std::string& format, const std::string& level = "info") {
    open_log({.level = level, .format = format, .path = file_});
  }
  std::vector<std::string> lines() const { return lines_of(file_); }

  TemporaryFolder folder_;
  std::string file_ = folder_.file("sidegate.log");
};

TEST_F(LogTest, WritesJson) {
  open("json");
  log(Level::Warning, "cannot reach it", {{"upstream", "app"}, {"error", "no route"}});
  log(Level::Info, "started");
  EXPECT_THAT(lines(),
              testing::ElementsAre(
                  testing::MatchesRegex(with_time(
                      R"re(\{"time":")re",
                      R"re(","level":"warning","msg":"cannot reach it","upstream":"app","error":"no route"\})re")),
                  testing::MatchesRegex(with_time(R"re(\{"time":")re", R"re(","level":"info","msg":"started"\})re"))));
}

TEST_F(LogTest, WritesText) {
  open("text");
  log(Level::Warning, "cannot reach it", {{"upstream", "app"}, {"error", "no route"}});
  log(Level::Info, "started");
  EXPECT_THAT(lines(), testing::ElementsAre(testing::MatchesRegex(with_time(
                                                "", R"re( warning cannot reach it upstream=app error="no route")re")),
                                            testing::MatchesRegex(with_time("", " info    started"))));
}

TEST_F(LogTest, MarksWhatAnOperatorDid) {
  struct Case {
    const char* format;
    std::string before;
    std::string reload;
    std::string refusal;
  };
  const Case cases[] = {
      {"json", R"re(\{"time":")re", R"re(","level":"info","msg":"reloaded","because":"SIGHUP","audit":true\})re",
       R"re(","level":"error","msg":"not reloaded","audit":true\})re"},
      {"text", "", " info    reloaded because=SIGHUP audit=true", " error   not reloaded audit=true"},
  };
  for (const auto& [format, before, reload, refusal] : cases) {
    SCOPED_TRACE(format);
    std::filesystem::remove(file_);
    open(format);
    audit(Level::Info, "reloaded", {{"because", "SIGHUP"}});
    audit(Level::Error, "not reloaded");
    EXPECT_THAT(lines(), testing::ElementsAre(testing::MatchesRegex(with_time(before, reload)),
                                              testing::MatchesRegex(with_time(before, refusal))));
  }
}

TEST_F(LogTest, HoldsToItsLevel) {
  struct Case {
    const char* level;
    std::vector<std::string> expected;
  };
  const Case cases[] = {
      {"debug", {"debug", "info", "warning", "error"}},
      {"info", {"info", "warning", "error"}},
      {"warning", {"warning", "error"}},
      {"error", {"error"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.level);
    std::filesystem::remove(file_);
    open("json", c.level);
    log(Level::Debug, "one");
    log(Level::Info, "one");
    log(Level::Warning, "one");
    log(Level::Error, "one");
    std::vector<std::string> levels;
    for (const std::string& line : lines()) {
      const auto start = line.find(R"("level":")") + 9;
      levels.push_back(line.substr(start, line.find('"', start) - start));
    }
    EXPECT_EQ(levels, c.expected);
  }
}

TEST_F(LogTest, WhatAnOperatorDidIsWrittenAtEveryLevel) {
  for (const char* format : {"json", "text"}) {
    std::filesystem::remove(file_);
    open(format, "error");
    audit(Level::Debug, "reloaded");
    audit(Level::Info, "reloaded");
    audit(Level::Error, "not reloaded");
    log(Level::Warning, "which nobody asked for");
    EXPECT_THAT(lines(), testing::ElementsAre(testing::HasSubstr("reloaded"), testing::HasSubstr("reloaded"),
                                              testing::HasSubstr("not reloaded")))
        << format;
  }
}

TEST_F(LogTest, HostileTextsStayOneLine) {
  using namespace std::string_view_literals;
  constexpr std::string_view kHostile = "a\"\n\r\x1b[0m\xff{}%s\0z"sv;
  constexpr std::string_view kEscaped = R"(a\"\u000a\u000d\u001b[0m\ufffd{}%s\u0000z)";
  for (const char* format : {"json", "text"}) {
    std::filesystem::remove(file_);
    open(format);
    log(Level::Error, kHostile, {{kHostile, kHostile}});
    const auto written = lines();
    ASSERT_EQ(written.size(), 1U);
    std::size_t found = 0;
    for (auto at = written[0].find(kEscaped); at != std::string::npos; at = written[0].find(kEscaped, at + 1)) ++found;
    EXPECT_EQ(found, 3U) << written[0];
  }
}

TEST_F(LogTest, SaysWhichFileCannotBeOpened) {
  const std::string missing = folder_.file("missing/sidegate.log");
  try {
    open_log({.level = "info", .format = "json", .path = missing});
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    EXPECT_THAT(error.what(), testing::HasSubstr(missing));
  }
}

TEST_F(LogTest, ReopensARotatedFile) {
  open("json");
  log(Level::Info, "old");
  std::filesystem::rename(file_, file_ + ".1");
  reopen_log();
  log(Level::Info, "new");
  EXPECT_THAT(lines_of(file_ + ".1"), testing::ElementsAre(testing::HasSubstr("old")));
  EXPECT_THAT(lines(), testing::ElementsAre(testing::HasSubstr("new")));

  std::filesystem::remove_all(std::filesystem::path(file_).parent_path());
  reopen_log();  // nowhere to go: the old one stays, and nothing throws
  log(Level::Info, "newer");
}

TEST_F(LogTest, TakesLinesFromManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kLines = 200;
  open("json");
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([] {
      for (int j = 0; j < kLines; ++j) log(Level::Info, "line", {{"key", "value"}});
    });
  }
  for (auto& thread : threads) thread.join();
  const auto written = lines();
  EXPECT_EQ(written.size(), static_cast<std::size_t>(kThreads * kLines));
  EXPECT_THAT(written, testing::Each(testing::EndsWith(R"("level":"info","msg":"line","key":"value"})")));
}

TEST_F(LogTest, IsReplacedWhileOthersWrite) {
  constexpr int kThreads = 4;
  constexpr int kLines = 500;
  const std::string json = folder_.file("json.log");
  const std::string text = folder_.file("text.log");
  const auto use_json = [&] { open_log({.level = "info", .format = "json", .path = json}); };
  const auto use_text = [&] { open_log({.level = "info", .format = "text", .path = text}); };
  use_json();
  std::atomic<int> writing = kThreads;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&writing] {
      for (int j = 0; j < kLines; ++j) log(Level::Info, "line", {{"key", "value"}});
      --writing;
    });
  }
  while (writing > 0) {
    use_text();
    use_json();
  }
  for (auto& thread : threads) thread.join();
  const auto in_json = lines_of(json);
  const auto in_text = lines_of(text);
  EXPECT_EQ(in_json.size() + in_text.size(), static_cast<std::size_t>(kThreads * kLines));
  EXPECT_THAT(in_json, testing::Each(testing::EndsWith(R"("level":"info","msg":"line","key":"value"})")));
  EXPECT_THAT(in_text, testing::Each(testing::EndsWith(" info    line key=value")));
}

TEST_F(LogTest, TheOldOneStaysWhereTheNewOneCannotBeOpened) {
  open("json");
  EXPECT_THROW(open_log({.level = "info", .format = "json", .path = folder_.file("missing/sidegate.log")}),
               std::system_error);
  log(Level::Info, "still here");
  EXPECT_THAT(lines(), testing::ElementsAre(testing::HasSubstr("still here")));
}

TEST(Log, FailsSoftlyWhereTheSinkIsFull) {
  open_log({.level = "info", .format = "json", .path = "/dev/full"});
  log(Level::Error, "lost");
  open_log({});
}

}  // namespace
}  // namespace sidegate::telemetry
