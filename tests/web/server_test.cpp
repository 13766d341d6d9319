#include <sidegate/web/server.hpp>

#include "loopback_client.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace sidegate::web {
namespace {

using support::LoopbackClient;

/// Answers with what it got; `/later` keeps its Respond for the test.
class WebServer : public testing::Test {
 protected:
  void open(ServerLimits limits = {}) {
    ASSERT_TRUE(open_at({config::Address::Kind::Tcp, "127.0.0.1", 0, {}}, limits));
  }

  base::OrMessage<void> open_at(const config::Address& address, const ServerLimits& limits = {}) {
    return thread_.call([&]() -> base::OrMessage<void> {
      auto opened = Server::open(thread_.io(), address, limits, [this](const Request& request, const Respond& respond) {
        if (request.path() == "/later") {
          later_ = respond;
          asked_later_.set_value();
          return;
        }
        if (request.path() == "/never") return;
        respond({200, "text/plain", request.method + " " + request.target + " " + request.body, {{"X-Extra", "1"}}});
      });
      if (!opened) return opened.error();
      server_ = std::move(*opened);
      return {};
    });
  }

  void TearDown() override {
    thread_.call([this] {
      later_ = nullptr;
      server_.reset();
    });
  }

  std::uint16_t port() {
    return thread_.call([this] { return server_->local_address().port; });
  }

  support::ServerThread thread_;
  std::unique_ptr<Server> server_;
  Respond later_;
  std::promise<void> asked_later_;
};

TEST_F(WebServer, AnswersAndKeepsTheConnection) {
  open();
  LoopbackClient client(port());
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.ask("GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(answer.body, "GET /a?b=c ");
    EXPECT_EQ(answer.field("Content-Type"), "text/plain");
    EXPECT_EQ(answer.field("Cache-Control"), "no-store");
    EXPECT_EQ(answer.field("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(answer.field("X-Extra"), "1");
    EXPECT_TRUE(answer.field("Date").ends_with(" GMT"));
  }
}

TEST_F(WebServer, AnswersPipelinedRequestsInOrder) {
  open();
  LoopbackClient client(port());
  client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.receive()->body, "GET /1 ");
  EXPECT_EQ(client.receive()->body, "GET /2 ");
}

TEST_F(WebServer, LeavesTheBodyOutOfTheAnswerToHead) {
  open();
  LoopbackClient client(port());
  const auto answer = client.ask("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.field("Content-Length"), "8");
  EXPECT_EQ(client.ask("GET /b HTTP/1.1\r\nHost: x\r\n\r\n").body, "GET /b ");
}

TEST_F(WebServer, ClosesWhenTheClientWantsThat) {
  open();
  for (const char* request : {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"}) {
    LoopbackClient client(port());
    EXPECT_EQ(client.ask(request).status, 200U);
    EXPECT_TRUE(client.at_end());
  }
}

TEST_F(WebServer, TakesBodiesUpToTheLimit) {
  open({.body_bytes_max = 5});
  LoopbackClient client(port());
  EXPECT_EQ(client.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde").body, "POST / abcde");
  EXPECT_EQ(
      client.ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n")
          .body,
      "POST / abcde");
  const auto refused = client.ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabcdef");
  EXPECT_EQ(refused.status, 413U);
  EXPECT_EQ(refused.body, R"({"error":"Content too large"})");
  EXPECT_EQ(refused.field("Cache-Control"), "no-store");
  EXPECT_TRUE(client.at_end());
}

TEST_F(WebServer, RefusesAChunkedBodyOverTheLimit) {
  open({.body_bytes_max = 5});
  LoopbackClient client(port());
  EXPECT_EQ(
      client.ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n").status,
      413U);
  EXPECT_TRUE(client.at_end());
}

TEST_F(WebServer, RefusesEveryBodyWhereNoneIsAllowed) {
  open();
  LoopbackClient client(port());
  EXPECT_EQ(client.ask("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").status, 200U);
  EXPECT_EQ(client.ask("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx").status, 413U);
}

TEST_F(WebServer, AsksForABodyThatWaits) {
  open({.body_bytes_max = 5});
  LoopbackClient client(port());
  const auto interim = client.ask("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(interim.status, 100U);
  EXPECT_EQ(client.ask("ab").body, "POST / ab");
}

TEST_F(WebServer, RefusesLargeHeads) {
  open({.head_bytes_max = 200});
  LoopbackClient fitting(port());
  EXPECT_EQ(fitting.ask("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(150, 'a') + "\r\n\r\n").status, 200U);
  LoopbackClient large(port());
  EXPECT_EQ(large.ask("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(200, 'a') + "\r\n\r\n").status, 431U);
  EXPECT_TRUE(large.at_end());
}

TEST_F(WebServer, RefusesWhatIsNoRequest) {
  open();
  for (const char* request : {"nonsense\r\n\r\n", "GET / HTTP/3.0\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
                              "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"}) {
    LoopbackClient client(port());
    EXPECT_EQ(client.ask(request).status, 400U) << request;
    EXPECT_TRUE(client.at_end());
  }
}

TEST_F(WebServer, TurnsSlowPeersAway) {
  open({.timeout = std::chrono::milliseconds(50)});
  LoopbackClient silent(port());
  LoopbackClient slow(port());
  slow.send("GET / HTTP/1.1\r\nHo");
  EXPECT_TRUE(silent.at_end());
  EXPECT_TRUE(slow.at_end());
}

TEST_F(WebServer, KeepsMoreConnectionsThanItTakesWaiting) {
  open({.connections_max = 2});
  auto first = std::make_unique<LoopbackClient>(port());
  LoopbackClient second(port());
  first->ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  second.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  LoopbackClient third(port());
  third.send("GET /third HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_FALSE(third.hears_within(50));
  first.reset();
  EXPECT_EQ(third.receive()->body, "GET /third ");
}

TEST_F(WebServer, MayAnswerLaterAndOnlyOnce) {
  open();
  LoopbackClient client(port());
  client.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  asked_later_.get_future().wait();
  later_({201, "text/plain", "at last"});  // from a thread that is not the server's
  later_({500, "text/plain", "twice"});
  const auto answer = client.receive();
  EXPECT_EQ(answer->status, 201U);
  EXPECT_EQ(answer->body, "at last");
  EXPECT_EQ(client.ask("GET /next HTTP/1.1\r\nHost: x\r\n\r\n").body, "GET /next ");
}

TEST_F(WebServer, EndsTheConnectionWhenNobodyWillAnswer) {
  open();
  LoopbackClient client(port());
  client.send("GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(client.at_end());
}

TEST_F(WebServer, CloseEndsEveryConnectionAndDropsLateAnswers) {
  open();
  const auto listening_port = port();
  LoopbackClient idle(listening_port);
  LoopbackClient waiting(listening_port);
  idle.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  waiting.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  asked_later_.get_future().wait();
  thread_.call([this] {
    server_->close();
    server_->close();
    later_({200, "text/plain", "too late"});
  });
  EXPECT_TRUE(idle.at_end());
  EXPECT_TRUE(waiting.at_end());
  EXPECT_THROW(LoopbackClient{listening_port}, std::runtime_error);
}

TEST_F(WebServer, SaysWhyItCannotListen) {
  open();
  const auto taken = open_at({config::Address::Kind::Tcp, "127.0.0.1", port(), {}});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().text, "cannot listen on 127.0.0.1:" + std::to_string(port()) + ": Address already in use");
  EXPECT_FALSE(open_at({config::Address::Kind::Tcp, "no such name", 0, {}}));
  EXPECT_FALSE(open_at({config::Address::Kind::Unix, {}, 0, std::string(200, 'x')}));
}

class WebServerOnUnixSocket : public WebServer {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/sidegate-web-" + std::to_string(::getpid());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    path_ = folder_ + "/socket";
  }
  void TearDown() override {
    WebServer::TearDown();
    std::filesystem::remove_all(folder_);
  }
  base::OrMessage<void> open_unix() { return open_at({config::Address::Kind::Unix, {}, 0, path_}); }

  std::string folder_;
  std::string path_;
};

TEST_F(WebServerOnUnixSocket, AnswersOwnersAndGroup) {
  ASSERT_TRUE(open_unix());
  struct stat file {};
  ASSERT_EQ(::stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777U, 0660U);
  LoopbackClient client(path_);
  EXPECT_EQ(client.ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n").body, "GET /a ");
  thread_.call([this] { server_->close(); });
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(WebServerOnUnixSocket, ReplacesAStaleFile) {
  const int stale = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(stale, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(stale);
  ASSERT_TRUE(open_unix());
  EXPECT_EQ(LoopbackClient(path_).ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n").status, 200U);
}

TEST_F(WebServerOnUnixSocket, LeavesALiveSocketAndOtherFilesAlone) {
  ASSERT_TRUE(open_unix());
  EXPECT_FALSE(open_unix());
  EXPECT_EQ(LoopbackClient(path_).ask("GET /a HTTP/1.1\r\nHost: x\r\n\r\n").status, 200U);
  path_ = folder_ + "/file";
  std::ofstream(path_) << "precious";
  EXPECT_FALSE(open_unix());
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
}

}  // namespace
}  // namespace sidegate::web
