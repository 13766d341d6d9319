#include <sidegate/net/stream_socket.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace sidegate::net {
namespace {

/// Two ends of one connection.
class TwoEnds : public testing::Test {
 protected:
  TwoEnds() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    socket_.assign({AF_UNIX, 0}, ends[0]);
    prepare(socket_);
    other_ = ends[1];
  }
  ~TwoEnds() override { close_other(); }

  SendResult send(std::string_view bytes) {
    const iovec slice{const_cast<char*>(bytes.data()), bytes.size()};
    return send_now(socket_, {&slice, 1});
  }
  std::string receive(std::size_t most) {
    std::string bytes(most, '\0');
    const auto count = ::recv(other_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
  }
  void close_other() {
    if (other_ >= 0) ::close(other_);
    other_ = -1;
  }

  boost::asio::io_context io_;
  StreamSocket socket_{io_.get_executor()};
  int other_ = -1;
};

using SendNow = TwoEnds;
using ReceiveNow = TwoEnds;
using IsQuiet = TwoEnds;

TEST_F(SendNow, SendsAllSlicesInTheirOrder) {
  std::array<std::string, 3> texts{"one ", "", "two"};
  std::array<iovec, 3> slices{};
  for (std::size_t i = 0; i < slices.size(); ++i) slices[i] = {texts[i].data(), texts[i].size()};
  const auto result = send_now(socket_, slices);
  EXPECT_EQ(result.status, SendStatus::Sent);
  EXPECT_EQ(result.bytes, 7U);
  EXPECT_EQ(receive(100), "one two");
}

TEST_F(SendNow, SendsFewBytesAndManyAlike) {
  for (const std::size_t size : {1U, 1023U, 1024U, 1025U, 2047U, 2048U, 2049U, 10'000U}) {
    std::string first(size, 'a');
    std::string second(size, 'b');
    const std::array<iovec, 2> slices{iovec{first.data(), size}, iovec{second.data(), size}};
    EXPECT_EQ(send_now(socket_, {slices.data(), 1}).bytes, size);
    EXPECT_EQ(send_now(socket_, slices).bytes, 2 * size);
    const std::string expected = first + first + second;
    std::string received;
    while (received.size() < expected.size()) received += receive(expected.size() - received.size());
    EXPECT_EQ(received, expected) << size;
  }
}

TEST_F(SendNow, TakesWhatFitsAndDoesNotWait) {
  const std::string block(1 << 20, 'x');
  std::size_t sent = 0;
  SendResult result = send(block);
  EXPECT_EQ(result.status, SendStatus::Sent);
  EXPECT_LT(result.bytes, block.size());
  while (result.status == SendStatus::Sent) {
    sent += result.bytes;
    result = send(block);
  }
  EXPECT_EQ(result.status, SendStatus::WouldBlock);
  EXPECT_EQ(result.bytes, 0U);
  std::size_t received = 0;
  while (received < sent) received += receive(block.size()).size();
  EXPECT_EQ(send("more").status, SendStatus::Sent);
}

TEST_F(SendNow, AClosedConnectionFailsWithoutASignal) {
  close_other();
  EXPECT_EQ(send("x").status, SendStatus::Failed);
  socket_.close();
  EXPECT_EQ(send("x").status, SendStatus::Failed);
}

TEST_F(IsQuiet, AConnectionOverWhichNothingCame) {
  EXPECT_TRUE(is_quiet(socket_));
  EXPECT_EQ(send("what we say is no sound from the other side").status, SendStatus::Sent);
  EXPECT_TRUE(is_quiet(socket_));
}

TEST_F(IsQuiet, UntilSomethingComesAndAgainOnceItWasRead) {
  ASSERT_EQ(::send(other_, "xy", 2, MSG_NOSIGNAL), 2);
  EXPECT_FALSE(is_quiet(socket_));
  EXPECT_FALSE(is_quiet(socket_)) << "looking takes nothing away";
  std::array<char, 8> bytes{};
  EXPECT_EQ(socket_.read_some(boost::asio::buffer(bytes)), 2U);
  EXPECT_TRUE(is_quiet(socket_));
}

TEST_F(IsQuiet, NotOnceTheOtherSideSendsNoMore) {
  ASSERT_EQ(::shutdown(other_, SHUT_WR), 0);
  EXPECT_FALSE(is_quiet(socket_));
}

TEST_F(IsQuiet, NotOnceEitherSideIsClosed) {
  close_other();
  EXPECT_FALSE(is_quiet(socket_));
  socket_.close();
  EXPECT_FALSE(is_quiet(socket_));
}

}  // namespace
}  // namespace sidegate::net
