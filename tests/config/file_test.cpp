#include "file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>

namespace sidegate::config {
namespace {

using std::chrono::steady_clock;

/// A pipe that can be read by a name, as `<(command)` in a shell.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(ends_[0]);
    finish();
  }

  std::string name() const { return "/proc/self/fd/" + std::to_string(ends_[0]); }

  void write(std::string_view text) {
    EXPECT_EQ(::write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void finish() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  /// Waits until everything has been read, though not for ever.
  void wait_until_read() const {
    const auto deadline = steady_clock::now() + std::chrono::seconds(20);
    int left = 1;
    while (left > 0 && steady_clock::now() < deadline) {
      ASSERT_EQ(::ioctl(ends_[0], FIONREAD, &left), 0);
      std::this_thread::yield();
    }
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

TEST(ReadFile, TakesWhatComesThroughAPipeInItsTime) {
  Pipe pipe;
  pipe.write("one ");
  std::thread writing([&pipe] {
    pipe.wait_until_read();
    pipe.write("two");
    pipe.wait_until_read();
    pipe.finish();
  });
  const auto content = read_file(pipe.name(), 7);
  writing.join();
  ASSERT_TRUE(content) << content.error().text;
  EXPECT_EQ(*content, "one two");
}

TEST(ReadFile, TakesNoMoreThanItMay) {
  Pipe pipe;
  pipe.write("one two");
  pipe.finish();
  const auto content = read_file(pipe.name(), 6);
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().text, "it is larger than 6 bytes");
}

TEST(ReadFile, GivesUpOnAPipeThatSaysNothing) {
  Pipe pipe;
  pipe.write("one");
  const auto content = read_file(pipe.name(), 7);
  ASSERT_FALSE(content);
  EXPECT_EQ(content.error().text, "nothing came from it for 2000 ms");
}

TEST(ReadFile, SaysWhatTheSystemSays) {
  EXPECT_EQ(read_file(testing::TempDir() + "no_such_file", 10).error().text, "No such file or directory");
  EXPECT_EQ(read_file(testing::TempDir(), 10).error().text, "Is a directory");
}

}  // namespace
}  // namespace sidegate::config
