#include "access_log_writer.hpp"
#include "temporary_file.hpp"

#include <sidegate/telemetry/access_log.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <cstdio>
#include <functional>
#include <iterator>
#include <set>
#include <thread>

namespace sidegate::telemetry {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

/// Waits for another thread; how long it takes is no part of any expectation.
bool eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

struct Pipe {
  int read_end = -1;
  int write_end = -1;

  Pipe() {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void close_reader() {
    if (read_end >= 0) ::close(std::exchange(read_end, -1));
  }
  void close_writer() {
    if (write_end >= 0) ::close(std::exchange(write_end, -1));
  }
  std::string name() const { return "/dev/fd/" + std::to_string(write_end); }

  /// What is in the pipe until every writer has gone.
  std::string read_all() {
    close_writer();
    std::string all;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(read_end, buffer, sizeof(buffer))) > 0;) {
      all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
  }

  /// As many bytes as it takes.
  void fill() const {
    ::fcntl(write_end, F_SETFL, O_NONBLOCK);
    while (::write(write_end, "x", 1) == 1) continue;
  }
};

/// Standard output goes to a non-blocking pipe for as long as it lives.
class StandardOutputTo {
 public:
  explicit StandardOutputTo(const Pipe& pipe) {
    (void)std::fflush(stdout);
    saved_ = ::dup(STDOUT_FILENO);
    ::fcntl(pipe.write_end, F_SETFL, O_NONBLOCK);
    ::dup2(pipe.write_end, STDOUT_FILENO);
  }
  ~StandardOutputTo() {
    ::dup2(saved_, STDOUT_FILENO);
    ::close(saved_);
  }
  StandardOutputTo(const StandardOutputTo&) = delete;
  StandardOutputTo& operator=(const StandardOutputTo&) = delete;

 private:
  int saved_ = -1;
};

TEST(AccessLog, WritesWhatWasPushedBeforeItEnds) {
  const TemporaryFolder folder;
  const std::string file = folder.file("access.log");
  {
    AccessLog log({.path = file, .query = false}, false, 2);
    EXPECT_TRUE(log.enabled());
    log.producer(0).push({.path = "/first", .query = "token=secret", .status = 200});
    log.producer(1).push({.path = "/second", .status = 404});
  }
  const auto lines = lines_of(file);
  EXPECT_THAT(lines, testing::UnorderedElementsAre(HasSubstr(R"("path":"/first","status":200)"),
                                                   HasSubstr(R"("path":"/second","status":404)")));
  EXPECT_THAT(lines, testing::Each(Not(HasSubstr("secret"))));
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U & ~0640U, 0U) << "others may not read it";
}

TEST(AccessLog, AppendsAndWritesTheQueryAndTextWhenAsked) {
  const TemporaryFolder folder;
  const std::string file = folder.file("access.log");
  for (int i = 0; i < 2; ++i) {
    AccessLog log({.path = file, .query = true}, true, 1);
    log.producer(0).push({.method = "GET", .path = "/", .query = "page", .status = 200});
  }
  EXPECT_THAT(lines_of(file),
              testing::ElementsAre(HasSubstr(" 200 GET / 0.000ms query=page"), HasSubstr(" query=page")));
}

TEST(AccessLog, NoneHasNoThreadAndTakesNothing) {
  const auto count_threads = [] {
    const std::filesystem::directory_iterator threads("/proc/self/task");
    return std::distance(begin(threads), end(threads));
  };
  const auto before = count_threads();
  AccessLog log({.path = "none", .query = false}, false, 2);
  EXPECT_FALSE(log.enabled());
  log.producer(1).push({.path = "/"});
  log.reopen();
  EXPECT_EQ(log.dropped(), 0U);
  EXPECT_EQ(count_threads(), before);
}

TEST(AccessLog, SaysWhichFileCannotBeOpened) {
  const TemporaryFolder folder;
  const std::string file = folder.file("missing/access.log");
  try {
    const AccessLog log({.path = file, .query = false}, false, 1);
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    EXPECT_THAT(error.what(), HasSubstr(file));
  }
}

TEST(AccessLog, ReopensARotatedFile) {
  const TemporaryFolder folder;
  const std::string file = folder.file("access.log");
  AccessLog log({.path = file, .query = false}, false, 1);
  log.producer(0).push({.path = "/old"});
  ASSERT_TRUE(eventually([&] { return lines_of(file).size() == 1; }));
  std::filesystem::rename(file, file + ".1");
  log.reopen();
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(file); }));
  log.producer(0).push({.path = "/new"});
  ASSERT_TRUE(eventually([&] { return lines_of(file).size() == 1; }));
  EXPECT_THAT(lines_of(file + ".1"), testing::ElementsAre(HasSubstr("/old")));
  EXPECT_THAT(lines_of(file), testing::ElementsAre(HasSubstr("/new")));
}

/// The writer wakes up for each record that comes while it is parked: none is left waiting for the next one.
TEST(AccessLog, WritesEachRecordWithoutWaitingForMore) {
  const TemporaryFolder folder;
  const std::string file = folder.file("access.log");
  AccessLog log({.path = file, .query = false}, false, 1);
  for (std::size_t i = 1; i <= 30; ++i) {
    log.producer(0).push({.path = "/"});
    ASSERT_TRUE(eventually([&] { return lines_of(file).size() == i; })) << i;
  }
}

/// Every record comes out exactly once and in order, or is counted as dropped. The rings are small, so that both
/// happen.
TEST(AccessLogWriter, LosesNothingUncounted) {
  constexpr unsigned kProducers = 2;
  constexpr std::uint64_t kRecords = 30'000;
  constexpr std::size_t kRingBytes = std::size_t{64} * 1024;
  const TemporaryFolder folder;
  const std::string file = folder.file("access.log");
  auto writer =
      std::make_unique<AccessLogWriter>(AccessLogWriter::Settings{.path = file, .ring_bytes = kRingBytes}, kProducers);
  std::vector<std::thread> producers;
  for (unsigned producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&writer, producer] {
      const std::string name = std::to_string(producer);
      for (std::uint64_t i = 0; i < kRecords; ++i) {
        RecordRing& ring = writer->ring(producer);
        if (ring.push({.route = name, .path = "/", .bytes_in = i})) {
          writer->wake();
        } else {
          while (ring.used() > kRingBytes / 2) std::this_thread::yield();
        }
      }
    });
  }
  for (auto& producer : producers) producer.join();
  // What the rings dropped is final now, and the file will take all the rest.
  const std::uint64_t dropped = writer->dropped();
  AccessLogWriter::finish(std::move(writer));

  std::uint64_t written = 0;
  std::vector<std::int64_t> last(kProducers, -1);
  for (const std::string& line : lines_of(file)) {
    const auto route = line.find(R"("route":")");
    const auto number = line.find(R"("bytes_in":)");
    ASSERT_NE(route, std::string::npos) << line;
    ASSERT_NE(number, std::string::npos) << line;
    ASSERT_EQ(line.back(), '}');
    const auto producer = static_cast<std::size_t>(line[route + 9] - '0');
    const std::int64_t sequence = std::stoll(line.substr(number + 11));
    ASSERT_GT(sequence, last.at(producer));
    last.at(producer) = sequence;
    ++written;
  }
  EXPECT_EQ(written + dropped, kProducers * kRecords);
  EXPECT_GT(written, kRecords);
  EXPECT_GT(dropped, 0U);
}

TEST(AccessLogWriter, KeepsTheTailWhileANonBlockingPipeIsFull) {
  constexpr std::size_t kRecords = 2'000;  // several times what the pipe holds
  Pipe pipe;
  std::string all;
  {
    const StandardOutputTo redirected(pipe);
    AccessLog log({.path = "stdout", .query = false}, false, 1);
    for (std::size_t i = 0; i < kRecords; ++i) log.producer(0).push({.path = "/some/path", .bytes_in = i});
    std::thread reader([&] {
      char buffer[1000];
      std::size_t lines = 0;
      while (lines < kRecords) {
        const ssize_t got = ::read(pipe.read_end, buffer, sizeof(buffer));
        if (got <= 0) break;
        all.append(buffer, static_cast<std::size_t>(got));
        lines += static_cast<std::size_t>(std::count(buffer, buffer + got, '\n'));
      }
    });
    reader.join();
    EXPECT_EQ(log.dropped(), 0U);
  }
  std::size_t place = 0;
  for (std::size_t i = 0; i < kRecords; ++i) {
    place = all.find("\"bytes_in\":" + std::to_string(i) + ',', place);
    ASSERT_NE(place, std::string::npos) << i;
  }
}

TEST(AccessLogWriter, GivesUpANonBlockingPipeThatNobodyReads) {
  Pipe pipe;
  pipe.fill();
  const StandardOutputTo redirected(pipe);
  auto writer = std::make_unique<AccessLogWriter>(
      AccessLogWriter::Settings{.path = "stdout", .patience = 1ms, .last_chance = 20s}, 1);
  ASSERT_TRUE(writer->ring(0).push({.path = "/"}));
  writer->wake();
  const auto begin = std::chrono::steady_clock::now();
  AccessLogWriter::finish(std::move(writer));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s) << "it is told to give up";
}

[[noreturn]] void end_with_a_thread_that_hangs() {
  const Pipe pipe;
  pipe.fill();
  ::fcntl(pipe.write_end, F_SETFL, 0);  // blocking, as a terminal or a pipe of a shell is
  ::dup2(pipe.write_end, STDOUT_FILENO);
  auto writer = std::make_unique<AccessLogWriter>(AccessLogWriter::Settings{.path = "stdout", .patience = 1ms}, 1);
  if (!writer->ring(0).push({.path = "/"})) std::_Exit(1);
  writer->wake();
  AccessLogWriter::finish(std::move(writer));
  std::_Exit(0);
}

/// A thread that hangs in write(2) cannot be stopped, only left behind.
TEST(AccessLogWriterDeathTest, LeavesBehindAThreadThatHangs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(end_with_a_thread_that_hangs(), testing::ExitedWithCode(0), "");
}

TEST(AccessLogWriter, CountsWhatAFailingSinkDidNotTake) {
  AccessLog log({.path = "/dev/full", .query = false}, false, 1);  // ENOSPC
  for (std::uint64_t i = 1; i <= 3; ++i) {
    log.producer(0).push({.path = "/"});
    ASSERT_TRUE(eventually([&] { return log.dropped() == i; }));
  }

  Pipe pipe;  // EPIPE
  AccessLog piped({.path = pipe.name(), .query = false}, false, 1);
  pipe.close_reader();
  piped.producer(0).push({.path = "/"});
  EXPECT_TRUE(eventually([&] { return piped.dropped() == 1; }));
}

TEST(AccessLogWriter, BeginsANewLineAfterOneThatWasCutOff) {
  const TemporaryFolder folder;
  const std::string file = folder.file("access.log");
  AccessLog log({.path = file, .query = false}, false, 1);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{.rlim_cur = 20, .rlim_max = limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  log.producer(0).push({.path = "/torn"});
  const bool torn = eventually([&] { return log.dropped() == 1; });
  log.producer(0).push({.path = "/lost"});
  const bool lost = eventually([&] { return log.dropped() == 2; });
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  ASSERT_TRUE(torn);
  ASSERT_TRUE(lost);
  log.producer(0).push({.path = "/whole"});
  ASSERT_TRUE(eventually([&] { return lines_of(file).size() == 2; }));
  EXPECT_THAT(lines_of(file), testing::ElementsAre(testing::SizeIs(20), HasSubstr(R"("path":"/whole")")));
  EXPECT_EQ(log.dropped(), 2U);
}

TEST(AccessLogWriter, WritesOneStreamToAPipe) {
  Pipe pipe;
  {
    AccessLog log({.path = pipe.name(), .query = false}, true, 1);
    for (int i = 0; i < 3; ++i) log.producer(0).push({.method = "GET", .path = "/", .status = 200});
  }
  const std::string all = pipe.read_all();
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 3);
  EXPECT_TRUE(all.ends_with(" 200 GET / 0.000ms in=0 out=0\n"));
}

}  // namespace
}  // namespace sidegate::telemetry
