#include <sidegate/admin/admin_server.hpp>

#include "loopback_client.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

namespace sidegate::admin {
namespace {

using support::Answer;
using support::LoopbackClient;

const config::Address kLoopback{config::Address::Kind::Tcp, "127.0.0.1", 0, {}};

class AdminApi : public testing::Test {
 protected:
  void open(Surface surface, const config::Address& address = kLoopback) {
    const auto problem = thread_.call([&]() -> std::string {
      auto opened = AdminServer::open(thread_.io(), address, surface, actions());
      if (!opened) return opened.error().text;
      server_ = std::move(*opened);
      return {};
    });
    ASSERT_EQ(problem, "");
  }

  void TearDown() override {
    thread_.call([this] { server_.reset(); });
  }

  Actions actions() {
    // The numbers come in later, as from other threads.
    const auto later = [this](std::string text) {
      return [this, text](const std::function<void(std::string)>& done) {
        boost::asio::post(thread_.io(), [done, text] { done(text); });
      };
    };
    return {.ready = [this] { return ready_; },
            .metrics = later("up 1\n"),
            .config = [] { return std::string("version: 1\n"); },
            .token = [this] { return token_; },
            .routes = later(R"({"routes":[]})"),
            .upstreams = later(R"({"upstreams":[]})"),
            .authenticators = later(R"({"authenticators":[]})"),
            .integrations =
                [](const std::function<void(Outcome)>& done) {
                  done({503, R"({"status":"unhealthy"})"});
                },
            .reload =
                [](const std::function<void(Outcome)>& done) {
                  done({422, R"({"errors":["x"]})"});
                },
            .explain =
                [this](const std::string& body, const std::function<void(Outcome)>& done) {
                  boost::asio::post(thread_.io(), [body, done] { done({200, "{\"asked\":" + body + "}"}); });
                },
            .revoke =
                [this](const std::string& body, const std::function<void(Outcome)>& done) {
                  boost::asio::post(thread_.io(), [body, done] { done({409, "{\"taken back\":" + body + "}"}); });
                },
            .purge =
                [this](const std::string& body, const std::function<void(Outcome)>& done) {
                  boost::asio::post(thread_.io(), [body, done] { done({200, "{\"forgotten\":" + body + "}"}); });
                }};
  }

  std::uint16_t port() {
    return thread_.call([this] { return server_->local_address().port; });
  }

  Answer ask(const std::string& method, const std::string& path, const std::string& more = "Host: localhost\r\n") {
    LoopbackClient client(port());
    return client.ask(method + " " + path + " HTTP/1.1\r\n" + more + "\r\n");
  }
  Answer get(const std::string& path, const std::string& more = "Host: localhost\r\n") {
    return ask("GET", path, more);
  }
  Answer post(const std::string& path, const std::string& body, const std::string& fields) {
    LoopbackClient client(port());
    return client.ask("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                      std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body);
  }

  support::ServerThread thread_;
  std::unique_ptr<AdminServer> server_;
  bool ready_ = true;  ///< the server's thread reads it: set it through `thread_.call`
  std::optional<base::Secret> token_;
};

TEST_F(AdminApi, SaysThatTheProcessLives) {
  open(Surface::Admin);
  const auto answer = get("/healthz");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.body, "ok");
  EXPECT_EQ(answer.field("Cache-Control"), "no-store");
}

TEST_F(AdminApi, SaysWhetherItIsReady) {
  open(Surface::Admin);
  EXPECT_EQ(get("/readyz").status, 200U);
  thread_.call([this] { ready_ = false; });
  const auto answer = get("/readyz");
  EXPECT_EQ(answer.status, 503U);
  EXPECT_EQ(answer.body, "not ready");
  EXPECT_EQ(answer.field("Cache-Control"), "no-store");
}

TEST_F(AdminApi, GivesMetricsInTheTextFormat) {
  open(Surface::Admin);
  const auto answer = get("/metrics?name[]=up");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.body, "up 1\n");
  EXPECT_EQ(answer.field("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(AdminApi, ShowsTheConfiguration) {
  open(Surface::Admin);
  const auto answer = get("/config");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.body, "version: 1\n");
  EXPECT_EQ(answer.field("Content-Type"), "application/yaml");
}

TEST_F(AdminApi, ShowsLiveStateAsJson) {
  open(Surface::Admin);
  for (const std::string name : {"routes", "upstreams", "authenticators"}) {
    const auto answer = get("/" + name);
    EXPECT_EQ(answer.status, 200U) << name;
    EXPECT_EQ(answer.body, "{\"" + name + "\":[]}");
    EXPECT_EQ(answer.field("Content-Type"), "application/json");
  }
}

TEST_F(AdminApi, ObeysJsonOnly) {
  open(Surface::Admin);
  for (const char* type : {"application/json", "Application/JSON; charset=utf-8"}) {
    const auto explained = post("/explain", "{}", "Content-Type: " + std::string(type) + "\r\n");
    EXPECT_EQ(explained.status, 200U) << type;
    EXPECT_EQ(explained.body, R"({"asked":{}})");
  }
  for (const char* fields : {"", "Content-Type: text/plain\r\n", "Content-Type: application/jsonp\r\n",
                             "Content-Type: application/x-www-form-urlencoded\r\n"}) {
    EXPECT_EQ(post("/explain", "{}", fields).status, 415U) << fields;
    EXPECT_EQ(post("/reload", "", fields).status, 415U) << fields;
    EXPECT_EQ(post("/revocations", "{}", fields).status, 415U) << fields;
  }
  const auto reloaded = post("/reload", "", "Content-Type: application/json\r\n");
  EXPECT_EQ(reloaded.status, 422U);
  EXPECT_EQ(reloaded.body, R"({"errors":["x"]})");
  const auto revoked = post("/revocations", "7", "Content-Type: application/json\r\n");
  EXPECT_EQ(revoked.status, 409U);
  EXPECT_EQ(revoked.body, R"({"taken back":7})");
  for (const char* path : {"/explain", "/reload", "/revocations", "/cache/purge"}) {
    const auto answer = get(path);
    EXPECT_EQ(answer.status, 405U) << path;
    EXPECT_EQ(answer.field("Allow"), "POST") << path;
  }
}

TEST_F(AdminApi, AsksForItsToken) {
  token_ = base::Secret("let me in");
  open(Surface::Admin);
  const auto with = [](const std::string& authorization) {
    return "Host: localhost\r\n" + (authorization.empty() ? "" : "Authorization: " + authorization + "\r\n");
  };
  for (const char* authorization :
       {"", "Bearer", "Bearer ", "Bearer let me", "Bearer let me in ", "bearer let me in"}) {
    const std::string given = authorization;
    const bool right = given == "bearer let me in" || given == "Bearer let me in ";
    const auto answer = get("/metrics", with(given));
    EXPECT_EQ(answer.status, right ? 200U : 401U) << given;
    EXPECT_EQ(answer.field("WWW-Authenticate"), right ? "" : "Bearer realm=\"sidegate admin\"") << given;
  }
  EXPECT_EQ(get("/config", with("Basic bGV0IG1lIGlu")).status, 401U);
  EXPECT_EQ(get("/config", with("Bearer let me in\r\nAuthorization: Bearer let me in")).status, 401U);
  EXPECT_EQ(get("/nowhere", with("")).status, 401U) << "who may not ask learns nothing";
  EXPECT_EQ(post("/reload", "", "Content-Type: application/json\r\n").status, 401U);
  EXPECT_EQ(post("/revocations", "{}", "Content-Type: application/json\r\n").status, 401U);
}

TEST_F(AdminApi, AnswersHeadWithoutABody) {
  open(Surface::Admin);
  for (const char* path : {"/healthz", "/readyz", "/metrics", "/config", "/routes"}) {
    const auto answer = ask("HEAD", path);
    EXPECT_EQ(answer.status, 200U) << path;
    EXPECT_NE(answer.field("Content-Length"), "0") << path;
  }
}

TEST_F(AdminApi, DoesNotKnowOtherPaths) {
  open(Surface::Admin);
  for (const char* path : {"/", "/healthz/", "/HEALTHZ", "/metrics%20", "/config.yaml", "http://localhost/healthz"}) {
    const auto answer = get(path);
    EXPECT_EQ(answer.status, 404U) << path;
    EXPECT_EQ(answer.body, R"({"error":"Not found"})") << path;
    EXPECT_EQ(answer.field("Content-Type"), "application/json") << path;
    EXPECT_EQ(answer.field("Cache-Control"), "no-store") << path;
  }
}

TEST_F(AdminApi, RefusesOtherMethods) {
  open(Surface::Admin);
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"}) {
    const auto answer = ask(method, "/config");
    EXPECT_EQ(answer.status, 405U) << method;
    EXPECT_EQ(answer.field("Allow"), "GET, HEAD") << method;
  }
  EXPECT_EQ(ask("POST", "/nowhere").status, 404U);
}

TEST_F(AdminApi, RefusesForeignHostsAndEveryOrigin) {
  open(Surface::Admin);
  for (const char* fields :
       {"Host: attacker.example\r\n", "Host: attacker.example:9901\r\n", "Host:\r\n",
        "Host: localhost\r\nHost: attacker.example\r\n", "X-No-Host: 1\r\n",
        "Host: localhost\r\nOrigin: http://localhost\r\n", "Host: localhost\r\nOrigin: null\r\n"}) {
    const auto answer = get("/config", fields);
    EXPECT_EQ(answer.status, 403U) << fields;
    EXPECT_EQ(answer.body, R"({"error":"Forbidden"})") << fields;
    EXPECT_EQ(answer.field("Cache-Control"), "no-store") << fields;
  }
}

TEST_F(AdminApi, RefusesLargeBodiesAndHeads) {
  open(Surface::Admin);
  EXPECT_EQ(get("/healthz", "Host: localhost\r\nContent-Length: 65537\r\n").status, 413U);
  EXPECT_EQ(get("/healthz", "Host: localhost\r\nX: " + std::string(8192, 'a') + "\r\n").status, 431U);
}

TEST_F(AdminApi, AnswersNobodyOffLoopbackWithoutAToken) {
  open(Surface::Admin, {config::Address::Kind::Tcp, "0.0.0.0", 0, {}});
  EXPECT_EQ(get("/config").status, 401U);
  thread_.call([this] { token_ = base::Secret("let me in"); });
  EXPECT_EQ(get("/config").status, 401U);
  EXPECT_EQ(get("/config", "Host: localhost\r\nAuthorization: Bearer let me in\r\n").status, 200U);
}

TEST_F(AdminApi, ListensOnAUnixSocket) {
  const std::string path = testing::TempDir() + "/sidegate-admin-" + std::to_string(::getpid());
  open(Surface::Admin, {config::Address::Kind::Unix, {}, 0, path});
  LoopbackClient client(path);
  EXPECT_EQ(client.ask("GET /config HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200U);
  EXPECT_EQ(client.ask("GET /config HTTP/1.1\r\nHost: attacker.example\r\n\r\n").status, 403U);
  thread_.call([this] { server_->close(); });
  EXPECT_TRUE(client.at_end());
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST_F(AdminApi, HealthAnswersProbesByAnyName) {
  open(Surface::Health, {config::Address::Kind::Tcp, "0.0.0.0", 0, {}});
  for (const char* path : {"/healthz", "/readyz", "/metrics"}) {
    EXPECT_EQ(get(path, "Host: 10.1.2.3:9902\r\nOrigin: http://x\r\n").status, 200U) << path;
  }
  const auto answer = get("/config");
  EXPECT_EQ(answer.status, 404U);
  EXPECT_EQ(answer.body.find("version"), std::string::npos);
  EXPECT_EQ(ask("POST", "/metrics").status, 405U);
}

}  // namespace
}  // namespace sidegate::admin
