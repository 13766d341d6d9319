#include <sidegate/config/load.hpp>
#include <sidegate/demo/demo.hpp>

#include "loopback_client.hpp"

#include <gmock/gmock.h>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

/// The demo's servers over real sockets, as the gateway and a person meet them.
namespace sidegate::demo {
namespace {

namespace json = boost::json;
using support::Answer;
using support::LoopbackClient;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::string kJson = "Content-Type: application/json\r\n";
const std::string kForm = "Content-Type: application/x-www-form-urlencoded\r\n";
const std::string kBrowser = "Accept: text/html,*/*;q=0.8\r\n";

class DemoServers : public testing::Test {
 protected:
  void SetUp() override {
    thread_.call([this] {
      auto started = Demo::start(thread_.io());
      ASSERT_TRUE(started) << started.error().text;
      demo_ = std::move(*started);
    });
  }
  void TearDown() override {
    thread_.call([this] { demo_.reset(); });
  }

  static Answer ask_port(std::uint16_t port, const std::string& method, const std::string& target,
                         const std::string& fields, const std::string& body) {
    LoopbackClient client(port);
    const auto length = method == "POST" ? "Content-Length: " + std::to_string(body.size()) + "\r\n" : "";
    return client.ask(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields + length + "\r\n" + body);
  }
  Answer get(const std::string& target, const std::string& fields = "") {
    return ask_port(demo_->auth_port(), "GET", target, fields, "");
  }
  Answer post(const std::string& target, const std::string& fields = "", const std::string& body = "") {
    return ask_port(demo_->auth_port(), "POST", target, fields, body);
  }

  std::string json_credentials() const {
    return R"({"username":")" + demo_->user().name + R"(","password":")" + demo_->user().password + R"("})";
  }
  std::string form_credentials() const {
    return "username=" + demo_->user().name + "&password=" + demo_->user().password;
  }
  json::object log_in() {
    return json::parse(post("/api/v1/users/login/", kJson, json_credentials()).body).as_object();
  }
  std::string access_token() { return std::string(log_in().at("access").as_string()); }
  std::string api_key_field() const { return "X-API-Key: " + demo_->api_key() + "\r\n"; }

  support::ServerThread thread_;
  std::unique_ptr<Demo> demo_;
};

TEST_F(DemoServers, ShowsALoginPageThatNeedsNoScript) {
  for (const char* target : {"/login", "/login/", "/login?next=x", "/api/v1/users/login/"}) {
    const auto answer = get(target, kBrowser);
    EXPECT_EQ(answer.status, 200U) << target;
    EXPECT_EQ(answer.field("Content-Type"), "text/html; charset=utf-8");
    EXPECT_THAT(answer.field("Content-Security-Policy"), StartsWith("default-src 'none'"));
    EXPECT_THAT(answer.body, HasSubstr("<form class=\"login\" method=\"post\" action=\"/api/v1/users/login/\">"));
    EXPECT_THAT(answer.body, HasSubstr(demo_->user().name));
    EXPECT_THAT(answer.body, HasSubstr(demo_->user().password));
    EXPECT_THAT(answer.body, Not(HasSubstr("<script")));
    EXPECT_THAT(answer.body, Not(HasSubstr("role=\"alert\"")));
  }
}

TEST_F(DemoServers, LogsABrowserInWithCookies) {
  const auto answer =
      post("/api/v1/users/login/", kForm + kBrowser + "Origin: http://localhost\r\n", form_credentials());
  EXPECT_EQ(answer.status, 303U);
  EXPECT_EQ(answer.field("Location"), "/");
  const auto cookies = answer.all("Set-Cookie");
  ASSERT_EQ(cookies.size(), 2U);
  EXPECT_THAT(cookies[0], StartsWith("access_token=ey"));
  EXPECT_THAT(cookies[0], HasSubstr("; Path=/; HttpOnly; SameSite=Lax; Max-Age=900"));
  EXPECT_THAT(cookies[1], StartsWith("refresh_token=ey"));
  EXPECT_THAT(cookies[1], HasSubstr("; Path=/; HttpOnly; SameSite=Lax; Max-Age=86400"));
}

TEST_F(DemoServers, LogsAProgrammeInWithJson) {
  const auto answer = post("/api/v1/users/login/", kJson, json_credentials());
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.all("Set-Cookie").size(), 2U);
  const auto tokens = json::parse(answer.body).as_object();
  EXPECT_THAT(answer.all("Set-Cookie").front(), HasSubstr(std::string(tokens.at("access").as_string())));
  EXPECT_TRUE(tokens.contains("refresh"));
}

TEST_F(DemoServers, TheEmailAddressIsANameToo) {
  EXPECT_EQ(post("/api/v1/users/login", kJson,
                 R"({"email":"user@example.com","password":")" + demo_->user().password + R"("})")
                .status,
            200U);
  EXPECT_EQ(post("/api/v1/users/login", kForm, "email=user%40example.com&password=" + demo_->user().password).status,
            303U);
}

TEST_F(DemoServers, RefusesWrongCredentials) {
  const auto password = demo_->user().password;
  for (const std::string& body :
       {std::string("{}"), std::string("[]"), std::string("no json"),
        R"({"username":"john","password":"wrong"})" + std::string(),
        R"({"username":"root","password":")" + password + R"("})", R"({"password":")" + password + R"("})",
        R"({"username":"john","password":["x"]})" + std::string()}) {
    const auto answer = post("/api/v1/users/login/", kJson, body);
    EXPECT_EQ(answer.status, 401U) << body;
    EXPECT_EQ(answer.body, R"({"error":"Invalid username or password"})") << body;
    EXPECT_THAT(answer.all("Set-Cookie"), IsEmpty());
  }
  const auto page = post("/api/v1/users/login/", kForm + kBrowser, "username=john&password=wrong");
  EXPECT_EQ(page.status, 401U);
  EXPECT_THAT(page.body, HasSubstr("role=\"alert\""));
  EXPECT_EQ(post("/api/v1/users/login/", kForm, "").status, 401U);
  EXPECT_EQ(post("/api/v1/users/login/", "Content-Type: text/plain\r\n", form_credentials()).status, 415U);
}

TEST_F(DemoServers, RefusesFormsOfOtherSites) {
  const std::string foreign = "Origin: http://attacker.example\r\n";
  EXPECT_EQ(post("/api/v1/users/login/", kForm + foreign, form_credentials()).status, 403U);
  EXPECT_EQ(post("/logout", foreign).status, 403U);
  EXPECT_EQ(post("/api/v1/users/token/refresh/", foreign).status, 403U);
}

TEST_F(DemoServers, LogsOut) {
  const auto refresh = std::string(log_in().at("refresh").as_string());
  const auto answer = post("/logout", kBrowser + "Cookie: refresh_token=" + refresh + "\r\n");
  EXPECT_EQ(answer.status, 303U);
  EXPECT_EQ(answer.field("Location"), "/login");
  EXPECT_THAT(answer.all("Set-Cookie"), ElementsAre("access_token=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0",
                                                    "refresh_token=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"));
  EXPECT_EQ(post("/api/v1/users/token/refresh/", kJson, R"({"refresh":")" + refresh + R"("})").status, 401U);
  EXPECT_EQ(post("/logout").status, 200U);
  EXPECT_EQ(get("/logout").status, 405U);
  EXPECT_EQ(get("/logout").field("Allow"), "POST");
}

TEST_F(DemoServers, RefreshesByBodyOrCookie) {
  const auto refresh = std::string(log_in().at("refresh").as_string());
  for (const auto& answer : {post("/api/v1/users/token/refresh/", kJson, R"({"refresh":")" + refresh + R"("})"),
                             post("/api/v1/users/token/refresh/", "Cookie: refresh_token=" + refresh + "\r\n")}) {
    EXPECT_EQ(answer.status, 200U);
    const auto access = std::string(json::parse(answer.body).at("access").as_string());
    EXPECT_THAT(answer.field("Set-Cookie"), StartsWith("access_token=" + access + "; Path=/; HttpOnly"));
    EXPECT_EQ(get("/api/v1/users/token/validate/", "Authorization: Bearer " + access + "\r\n").status, 200U);
  }
  EXPECT_EQ(post("/api/v1/users/token/refresh/").status, 401U);
  EXPECT_EQ(post("/api/v1/users/token/refresh/", kJson, R"({"refresh":"x.y.z"})").body, R"({"error":"Invalid token"})");
  EXPECT_EQ(post("/api/v1/users/token/refresh/", kJson, R"({"refresh":")" + access_token() + R"("})").status, 401U);
}

TEST_F(DemoServers, ValidatesTokens) {
  const auto token = access_token();
  for (const std::string& field :
       {"Cookie: access_token=" + token + "\r\n", "Authorization: Bearer " + token + "\r\n"}) {
    const auto answer = get("/api/v1/users/token/validate/", field);
    EXPECT_EQ(answer.status, 200U);
    const auto validated = json::parse(answer.body).as_object();
    EXPECT_EQ(validated.at("valid"), true);
    EXPECT_EQ(validated.at("user_id"), 123);
    EXPECT_EQ(validated.at("user_type"), "staff");
  }
  const auto refresh = std::string(log_in().at("refresh").as_string());
  for (const std::string& field :
       {std::string(), "Cookie: access_token=" + refresh + "\r\n", "Authorization: Bearer " + token + "x\r\n",
        std::string("Cookie: access_token=x\r\n")}) {
    const auto answer = get("/api/v1/users/token/validate/", field);
    EXPECT_EQ(answer.status, 401U) << field;
    EXPECT_EQ(json::parse(answer.body).at("valid"), false) << field;
    EXPECT_EQ(answer.field("WWW-Authenticate"), "Bearer");
  }
}

TEST_F(DemoServers, DescribesAUserInTheShapeOfTheGuide) {
  const auto expected = json::parse(R"({"id":123,"email":"user@example.com","first_name":"John","last_name":"Doe",
    "company_id":"MA0001","systems":["TTS","AMS"],
    "roles":[{"system":"TTS","role":"Technician"},{"system":"AMS","role":"User"}]})");
  const auto token = access_token();
  for (const std::string& field :
       {"Cookie: access_token=" + token + "\r\n", "Authorization: Bearer " + token + "\r\n", api_key_field()}) {
    const auto answer = get("/api/v1/tts/user-info/123/", field);
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(json::parse(answer.body), expected);
  }
  for (const char* id : {"1", "5", "12", "23"}) {
    EXPECT_EQ(get(std::string("/api/v1/tts/user-info/") + id, api_key_field()).status, 200U) << id;
  }
  for (const char* id : {"2", "0", "-1", "x", "123x", "18446744073709551615", "99999999999999999999"}) {
    const auto answer = get(std::string("/api/v1/tts/user-info/") + id + "/", api_key_field());
    EXPECT_EQ(answer.status, 404U) << id;
    EXPECT_EQ(answer.body, R"({"error":"User not found"})") << id;
  }
}

TEST_F(DemoServers, DescribesNobodyToStrangers) {
  for (const char* target :
       {"/api/v1/tts/user-info/123/", "/api/v1/tts/user-info/2/", "/api/v1/tts/round-robin/?system=TTS&role=Admin"}) {
    EXPECT_EQ(get(target).status, 401U) << target;
    EXPECT_EQ(get(target).body, R"({"error":"Authentication required"})");
    EXPECT_EQ(get(target, "Cookie: access_token=x\r\n").body, R"({"error":"Invalid token"})");
    EXPECT_EQ(get(target, "X-API-Key: wrong\r\n").status, 403U) << target;
  }
  EXPECT_EQ(post("/api/v1/tts/users-info/", kJson, R"({"user_ids":[1]})").status, 401U);
}

TEST_F(DemoServers, DescribesSeveralUsers) {
  const auto answer =
      post("/api/v1/tts/users-info/", kJson + api_key_field(), R"({"user_ids":[5,"123",2,"x",null,-1]})");
  EXPECT_EQ(answer.status, 200U);
  const auto users = json::parse(answer.body).as_array();
  ASSERT_EQ(users.size(), 2U);
  EXPECT_EQ(users[0].at("id"), 5);
  EXPECT_EQ(users[1].at("id"), 123);
  for (const char* body : {"", "{}", "[]", R"({"user_ids":1})"}) {
    EXPECT_EQ(post("/api/v1/tts/users-info/", kJson + api_key_field(), body).status, 400U) << body;
  }
  const auto many = [](int count) {
    std::string ids = "1";
    for (int i = 1; i < count; ++i) ids += ",1";
    return R"({"user_ids":[)" + ids + "]}";
  };
  EXPECT_EQ(post("/api/v1/tts/users-info/", kJson + api_key_field(), many(100)).status, 200U);
  EXPECT_EQ(post("/api/v1/tts/users-info/", kJson + api_key_field(), many(101)).status, 400U);
}

TEST_F(DemoServers, NamesThoseWhoTakeTickets) {
  const auto ask = [&](const std::string& query) { return get("/api/v1/tts/round-robin/?" + query, api_key_field()); };
  EXPECT_EQ(json::parse(ask("system=TTS&role=Technician").body), json::parse(R"({"user_ids":[1,5,12,23]})"));
  EXPECT_EQ(json::parse(ask("system=TTS&role=Nobody").body), json::parse(R"({"user_ids":[]})"));
  EXPECT_EQ(ask("system=TTS").status, 400U);
  EXPECT_EQ(ask("").status, 400U);
}

TEST_F(DemoServers, FindsEmployeesForHoldersOfTheKey) {
  const std::string target = "/api/v1/hdts/employees/internal/5/";
  const auto answer = get(target, api_key_field());
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(json::parse(answer.body), json::parse(R"({"id":5,"email":"grace@example.com","first_name":"Grace",
    "last_name":"Hopper","company_id":"MA0003"})"));
  EXPECT_EQ(get(target).status, 401U);
  EXPECT_EQ(get(target, "Cookie: access_token=" + access_token() + "\r\n").status, 401U);
  EXPECT_EQ(get(target, "X-API-Key: " + std::string(32, '0') + "\r\n").status, 403U);
  EXPECT_EQ(get("/api/v1/hdts/employees/internal/6/", api_key_field()).status, 404U);
}

TEST_F(DemoServers, AnswersOtherPathsAndMethods) {
  for (const char* target : {"/", "/api/v1/tts/user-info/", "/api/v1/tts/user-info/1/2/", "/loginx"}) {
    EXPECT_EQ(get(target).status, 404U) << target;
  }
  EXPECT_EQ(get("/api/v1/tts/users-info/").field("Allow"), "POST");
  EXPECT_EQ(post("/login").field("Allow"), "GET, HEAD");
  EXPECT_EQ(ask_port(demo_->auth_port(), "DELETE", "/api/v1/users/login/", "", "").field("Allow"), "GET, HEAD, POST");
  EXPECT_EQ(ask_port(demo_->auth_port(), "HEAD", "/login", "", "").status, 200U);
}

TEST_F(DemoServers, TheUpstreamShowsWhatReachedIt) {
  const auto answer = ask_port(demo_->upstream_port(), "POST", "/any/path?x=1", "X-User-Id: 123\r\n", "four");
  EXPECT_EQ(answer.status, 200U);
  const auto shown = json::parse(answer.body).as_object();
  EXPECT_EQ(shown.at("method"), "POST");
  EXPECT_EQ(shown.at("target"), "/any/path?x=1");
  EXPECT_EQ(shown.at("body_bytes"), 4);
  EXPECT_EQ(shown.at("headers").at("X-User-Id"), json::parse(R"(["123"])"));
  const auto page = ask_port(demo_->upstream_port(), "GET", "/", kBrowser + "X-Hostile: <script>\r\n", "");
  EXPECT_THAT(page.body, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(page.body, Not(HasSubstr("<script>")));
}

TEST_F(DemoServers, WritesAConfigurationThatLoads) {
  const auto environment = [this](std::string_view name) {
    if (name == "DEMO_API_KEY") return std::optional(demo_->api_key());
    return name == "DEMO_SIGNING_KEY" ? std::optional(demo_->signing_key()) : std::nullopt;
  };
  config::Diagnostics diagnostics("demo");
  const auto loaded = config::load_text(demo_->gateway_yaml(8080), ".", environment, diagnostics);
  ASSERT_TRUE(diagnostics.ok()) << (diagnostics.lines().empty() ? "" : diagnostics.lines().front());
  EXPECT_THAT(diagnostics.lines(), IsEmpty());
  EXPECT_EQ(loaded.listeners.at(0).address.text(), "127.0.0.1:8080");
  EXPECT_EQ(loaded.upstreams.at(0).servers.at(0).address.port, demo_->auth_port());
  EXPECT_EQ(loaded.upstreams.at(1).servers.at(0).address.port, demo_->upstream_port());
  EXPECT_EQ(loaded.routes.size(), 6U);
  EXPECT_TRUE(loaded.session_refresh);
  EXPECT_EQ(loaded.admin.address.port, 0);
  EXPECT_THAT(demo_->gateway_yaml(8080), Not(HasSubstr(demo_->signing_key())));
  EXPECT_THAT(demo_->gateway_yaml(8080), Not(HasSubstr(demo_->api_key())));
}

TEST_F(DemoServers, TheAuthServiceIsStoppedAndStartedFromAPage) {
  const auto page = [this](const std::string& method, const std::string& path, const std::string& fields = "") {
    return ask_port(demo_->upstream_port(), method, "/public/auth-service" + path, fields, "");
  };
  EXPECT_EQ(page("GET", "").body, "{\"auth_service\":\"running\"}\n");
  EXPECT_THAT(page("GET", "", kBrowser).body, HasSubstr("Stop the Auth Service"));
  EXPECT_EQ(page("POST", "/stop", "Origin: http://elsewhere\r\n").status, 403U);
  EXPECT_EQ(page("GET", "/stop").status, 405U);
  EXPECT_EQ(get("/login").status, 200U) << "neither of them stops it";
  EXPECT_EQ(page("POST", "/stop").body, "{\"auth_service\":\"stopped\"}\n");
  EXPECT_ANY_THROW(get("/login")) << "nobody listens there";
  const auto stopped = page("GET", "", kBrowser).body;
  EXPECT_THAT(stopped, HasSubstr("503, Auth service unavailable"));
  EXPECT_THAT(stopped, HasSubstr("src=\"/newcomer/hello\""));
  EXPECT_EQ(page("POST", "/stop").status, 200U) << "once more";
  EXPECT_EQ(page("POST", "/start", kBrowser).field("Location"), "/public/auth-service");
  EXPECT_EQ(get("/login").status, 200U) << "on the port that it had";
  const auto newcomer = page("POST", "/newcomer");
  EXPECT_EQ(newcomer.status, 303U);
  EXPECT_THAT(newcomer.field("Set-Cookie"), StartsWith("newcomer_token=ey"));
  EXPECT_NE(page("POST", "/newcomer").field("Set-Cookie"), newcomer.field("Set-Cookie"));
}

TEST_F(DemoServers, TellsWhatToTry) {
  const auto text = demo_->instructions(8080);
  EXPECT_THAT(text, HasSubstr("http://127.0.0.1:8080/login\n"));
  EXPECT_THAT(text, HasSubstr(demo_->user().password));
  EXPECT_THAT(text, HasSubstr(demo_->api_key()));
  EXPECT_THAT(text, HasSubstr("Ctrl-C"));
  EXPECT_THAT(text, Not(HasSubstr(demo_->signing_key())));
}

TEST_F(DemoServers, SecretsAreNewForEveryRun) {
  thread_.call([this] {
    const auto other = std::move(*Demo::start(thread_.io()));
    EXPECT_NE(other->signing_key(), demo_->signing_key());
    EXPECT_NE(other->api_key(), demo_->api_key());
    EXPECT_NE(other->user().password, demo_->user().password);
  });
}

}  // namespace
}  // namespace sidegate::demo
