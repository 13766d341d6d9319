#include <sidegate/net/splice_pipe.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "no_descriptors.hpp"

namespace sidegate::net {
namespace {

using boost::asio::error::would_block;

/// A connection whose other end is a plain descriptor.
class Connected {
 public:
  explicit Connected(boost::asio::io_context& io) : socket(io.get_executor()) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    socket.assign({AF_UNIX, 0}, ends[0]);
    prepare(socket);
    other_ = ends[1];
  }
  Connected(const Connected&) = delete;
  Connected& operator=(const Connected&) = delete;
  ~Connected() { close_other(); }

  void say(std::string_view bytes) {
    EXPECT_EQ(::send(other_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  std::string hear() {
    std::string bytes(std::size_t{1} << 20U, '\0');
    const auto count = ::recv(other_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
  }
  /// Whether the other end takes more.
  bool say_block() {
    static const std::string block(std::size_t{16} * 1024, 'x');
    return ::send(other_, block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
  }
  void end_saying() { ::shutdown(other_, SHUT_WR); }
  void close_other() {
    if (other_ >= 0) ::close(std::exchange(other_, -1));
  }

  StreamSocket socket;

 private:
  int other_ = -1;
};

class Splice : public testing::Test {
 protected:
  // As the gateway does.
  Splice() { std::signal(SIGPIPE, SIG_IGN); }

  boost::asio::io_context io_;
  Connected from_{io_};
  Connected to_{io_};
  std::unique_ptr<SplicePipe> pipe_ = SplicePipe::open();
};

using SpliceIn = Splice;
using SpliceOut = Splice;

TEST_F(Splice, MovesBytesFromOneSocketToTheOther) {
  from_.say("hello ");
  EXPECT_EQ(splice_in(from_.socket, *pipe_, 100).bytes, 6U);
  from_.say("you");
  EXPECT_EQ(splice_in(from_.socket, *pipe_, 100).bytes, 3U);
  EXPECT_EQ(pipe_->bytes(), 9U);
  const auto sent = splice_out(*pipe_, to_.socket);
  EXPECT_EQ(sent.status, SendStatus::Sent);
  EXPECT_EQ(sent.bytes, 9U);
  EXPECT_TRUE(pipe_->empty());
  EXPECT_EQ(to_.hear(), "hello you");
}

TEST_F(SpliceIn, TakesNoMoreThanItIsTold) {
  from_.say("hello, and what is not asked for");
  EXPECT_EQ(splice_in(from_.socket, *pipe_, 5).bytes, 5U);
  splice_out(*pipe_, to_.socket);
  EXPECT_EQ(to_.hear(), "hello");
  EXPECT_FALSE(is_quiet(from_.socket));
}

TEST_F(SpliceIn, SaysWhyNothingComes) {
  EXPECT_EQ(splice_in(from_.socket, *pipe_, 100).error, would_block);
  from_.say("last");
  from_.end_saying();
  EXPECT_EQ(splice_in(from_.socket, *pipe_, 100).bytes, 4U);
  EXPECT_EQ(splice_in(from_.socket, *pipe_, 100).error, boost::asio::error::eof);
  from_.socket.close();
  EXPECT_EQ(splice_in(from_.socket, *pipe_, 100).error, boost::asio::error::bad_descriptor);
  EXPECT_EQ(pipe_->bytes(), 4U) << "what came before is still to go";
}

TEST_F(SpliceIn, AFullPipeTakesNoMore) {
  std::size_t taken = 0;
  ReceiveResult came;
  while (!came.error) {
    from_.say_block();
    came = splice_in(from_.socket, *pipe_, std::size_t{1} << 20U);
    taken += came.bytes;
  }
  EXPECT_EQ(came.error, would_block);
  EXPECT_FALSE(is_quiet(from_.socket));
  EXPECT_EQ(pipe_->bytes(), taken);
  EXPECT_GT(taken, 0U);
}

TEST_F(SpliceOut, AFullSocketTakesNoMore) {
  std::size_t moved = 0;
  SendResult sent{SendStatus::Sent, 0};
  while (sent.status == SendStatus::Sent) {
    from_.say_block();
    splice_in(from_.socket, *pipe_, std::size_t{1} << 20U);
    sent = splice_out(*pipe_, to_.socket);
    moved += sent.bytes;
  }
  EXPECT_EQ(sent.status, SendStatus::WouldBlock);
  EXPECT_EQ(sent.bytes, 0U);
  EXPECT_FALSE(pipe_->empty());
  std::size_t heard = 0;
  while (heard < moved) heard += to_.hear().size();
  EXPECT_EQ(splice_out(*pipe_, to_.socket).status, SendStatus::Sent);
}

TEST_F(SpliceOut, AClosedConnectionFails) {
  from_.say("hello");
  splice_in(from_.socket, *pipe_, 100);
  to_.close_other();
  EXPECT_EQ(splice_out(*pipe_, to_.socket).status, SendStatus::Failed);
  to_.socket.close();
  EXPECT_EQ(splice_out(*pipe_, to_.socket).status, SendStatus::Failed);
  EXPECT_EQ(pipe_->bytes(), 5U);
}

class PipePool : public Splice {
 protected:
  SplicePipePool pool_;
};

TEST_F(PipePool, UsesAPipeAgain) {
  auto first = pool_.take();
  const auto* const pipe = first.get();
  first.reset();
  EXPECT_EQ(pool_.take().get(), pipe);
}

TEST_F(PipePool, ClosesAPipeThatStillHoldsBytes) {
  from_.say("of another message");
  auto pipe = pool_.take();
  splice_in(from_.socket, *pipe, 100);
  pipe.reset();
  from_.say("mine");
  pipe = pool_.take();
  EXPECT_TRUE(pipe->empty());
  splice_in(from_.socket, *pipe, 100);
  splice_out(*pipe, to_.socket);
  EXPECT_EQ(to_.hear(), "mine");
}

TEST_F(PipePool, LendsSoManyAndNoMore) {
  std::vector<SplicePipePool::Lent> lent;
  for (std::size_t i = 0; i < SplicePipePool::kPipesMax; ++i) {
    lent.push_back(pool_.take());
    ASSERT_NE(lent.back(), nullptr) << i;
  }
  EXPECT_EQ(pool_.take(), nullptr);
  lent.pop_back();
  EXPECT_NE(pool_.take(), nullptr);
}

TEST_F(PipePool, LendsNothingNewWithoutDescriptors) {
  auto first = pool_.take();
  bool lent = false;
  bool lent_again = false;
  {
    const support::NoDescriptors none;
    lent = pool_.take() != nullptr;
    first.reset();
    lent_again = pool_.take() != nullptr;
  }
  EXPECT_FALSE(lent);
  EXPECT_TRUE(lent_again);
  EXPECT_NE(pool_.take(), nullptr);
}

}  // namespace
}  // namespace sidegate::net
