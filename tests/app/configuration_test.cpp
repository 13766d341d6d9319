#include "configuration.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "folder.hpp"

namespace sidegate::app {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Variables = std::map<std::string, std::string, std::less<>>;

config::Environment environment_of(Variables variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

const std::string kKey = "0123456789abcdef0123456789abcdef";

/// A whole configuration whose one route is called `name`.
std::string text_of(const std::string& name) {
  return "version: 1\n"
         "listeners: {public: {address: \"127.0.0.1:0\"}}\n"
         "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n"
         "routes: [{name: " +
         name + ", path: /**, authenticate: none, upstream: app}]\n";
}

/// An empty folder to work in.
class FindConfiguration : public testing::Test {
 protected:
  FindConfiguration() { std::filesystem::current_path(folder_.path()); }
  ~FindConfiguration() override { std::filesystem::current_path(before_); }

  std::string write(const std::string& name, const std::string& text) const { return folder_.write(name, text); }

  std::filesystem::path before_ = std::filesystem::current_path();
  Folder folder_;
};

TEST_F(FindConfiguration, LooksInOnePlaceAfterTheOther) {
  const auto given = write("given.yaml", text_of("from-the-words"));
  const auto named = write("named.yaml", text_of("from-the-environment"));
  write("sidegate.yaml", text_of("from-the-folder"));
  const auto environment = environment_of({{"SIDEGATE_CONFIG", named}, {"DJANGO_JWT_SIGNING_KEY", kKey}});

  auto found = find_configuration(given, environment);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found.config.routes[0].name, "from-the-words");
  EXPECT_EQ(found.diagnostics.file(), given);

  found = find_configuration("", environment);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found.config.routes[0].name, "from-the-environment");

  found = find_configuration("", environment_of({{"SIDEGATE_CONFIG", ""}}));
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found.config.routes[0].name, "from-the-folder");
  EXPECT_EQ(found.diagnostics.file(), "sidegate.yaml");

  std::filesystem::remove(folder_.file("sidegate.yaml"));
  if (std::filesystem::exists("/etc/sidegate/sidegate.yaml")) GTEST_SKIP() << "this machine has a configuration";
  found = find_configuration("", environment_of({{"DJANGO_JWT_SIGNING_KEY", kKey}}));
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found.diagnostics.file(), config::kEnvironmentFile);
  EXPECT_EQ(found.config.authenticators.size(), 1U);
}

TEST_F(FindConfiguration, AFileThatIsNotThereIsAnErrorAndNothingElseIsTried) {
  write("sidegate.yaml", text_of("from-the-folder"));
  for (const auto& found : {find_configuration("none.yaml", environment_of({})),
                            find_configuration("", environment_of({{"SIDEGATE_CONFIG", "none.yaml"}}))}) {
    EXPECT_FALSE(found.ok());
    ASSERT_EQ(found.diagnostics.lines().size(), 1U);
    EXPECT_THAT(found.diagnostics.lines()[0], testing::StartsWith("none.yaml"));
  }
}

TEST_F(FindConfiguration, NeitherAFileNorAKeyIsNoOpenDoor) {
  if (std::filesystem::exists("/etc/sidegate/sidegate.yaml")) GTEST_SKIP() << "this machine has a configuration";
  const auto found = find_configuration("", environment_of({}));
  EXPECT_FALSE(found.ok());
  EXPECT_THAT(found.diagnostics.lines(), Contains(HasSubstr("DJANGO_JWT_SIGNING_KEY")));
  EXPECT_THAT(found.config.routes, IsEmpty());
}

TEST_F(FindConfiguration, AWeakKeyIsRefusedUnlessItIsSaidToBeMeant) {
  if (std::filesystem::exists("/etc/sidegate/sidegate.yaml")) GTEST_SKIP() << "this machine has a configuration";
  const auto weak = find_configuration("", environment_of({{"DJANGO_JWT_SIGNING_KEY", "too short"}}));
  EXPECT_FALSE(weak.ok());
  EXPECT_THAT(weak.diagnostics.lines(), Contains(HasSubstr("SIDEGATE_ALLOW_WEAK_SECRET")));
  EXPECT_THAT(weak.diagnostics.lines(), Not(Contains(HasSubstr("too short"))));
  const auto meant = find_configuration(
      "", environment_of({{"DJANGO_JWT_SIGNING_KEY", "too short"}, {"SIDEGATE_ALLOW_WEAK_SECRET", "1"}}));
  EXPECT_TRUE(meant.ok());
}

/// Has standard error go somewhere else for a while.
class StandardError {
 public:
  explicit StandardError(int descriptor) : before_(::dup(STDERR_FILENO)) { ::dup2(descriptor, STDERR_FILENO); }
  StandardError(const StandardError&) = delete;
  StandardError& operator=(const StandardError&) = delete;
  ~StandardError() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
  }

 private:
  int before_;
};

TEST_F(FindConfiguration, ATerminalIsWrittenToInText) {
  if (std::filesystem::exists("/etc/sidegate/sidegate.yaml")) GTEST_SKIP() << "this machine has a configuration";
  const Variables key{{"DJANGO_JWT_SIGNING_KEY", kKey}};
  Variables chosen = key;
  chosen["SIDEGATE_LOG_FORMAT"] = "json";
  Variables empty = key;
  empty["SIDEGATE_LOG_FORMAT"] = "";
  {
    const int file = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    const StandardError redirected(file);
    EXPECT_EQ(find_configuration("", environment_of(key)).config.log.format, "json");
    ::close(file);
  }
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0) GTEST_SKIP() << "no terminal to be had";
  const StandardError redirected(terminal);
  EXPECT_EQ(find_configuration("", environment_of(key)).config.log.format, "text");
  EXPECT_EQ(find_configuration("", environment_of(empty)).config.log.format, "text");
  EXPECT_EQ(find_configuration("", environment_of(chosen)).config.log.format, "json");
  ::close(terminal);
}

TEST(ReadConfiguration, CollectsWhatEveryRoomFinds) {
  const auto read = read_configuration("demo",
                                       "version: 1\n"
                                       "listeners: {public: {address: nonsense}}\n"
                                       "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n"
                                       "inject: {X-One: \"{subjct}\"}\n"
                                       "routes:\n"
                                       "  - {path: a, authenticate: none, upstream: app}\n"
                                       "  - {path: /b, authenticate: none, upstream: ap}\n",
                                       environment_of({}));
  EXPECT_FALSE(read.ok());
  const auto lines = read.diagnostics.lines();
  EXPECT_THAT(lines, Contains(HasSubstr("demo:2:")));
  EXPECT_THAT(lines, Contains(HasSubstr("{subjct} is no placeholder")));
  EXPECT_THAT(lines, Contains(HasSubstr("the path pattern \"a\" must begin with \"/\"")));
  EXPECT_THAT(lines, Contains(HasSubstr("did you mean \"app\"?")));
  EXPECT_EQ(lines.size(), 4U);
}

// Whatever a room says of a text, it does not show what a variable has put there: it may be a secret in a wrong place.
TEST(ReadConfiguration, NothingThatAVariableHoldsIsShown) {
  const std::string beginning =
      "version: 1\n"
      "listeners: {public: {address: \"127.0.0.1:0\"}}\n"
      "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n";
  const std::string route = "path: /**, authenticate: none, upstream: app";
  struct Case {
    std::string what;
    std::string rest;
  };
  const std::vector<Case> cases{
      {"path", "routes: [{path: \"${SECRET}\", authenticate: none, upstream: app}]\n"},
      {"host", "routes: [{" + route + ", host: \"${SECRET}\"}]\n"},
      {"method", "routes: [{" + route + ", methods: [\"${SECRET}\"]}]\n"},
      {"template", "routes: [{" + route + ", inject: {X-A: \"{${SECRET}}\"}}]\n"},
      {"template of all routes", "inject: {X-A: \"{${SECRET}}\"}\nroutes: [{" + route + "}]\n"},
      {"name of a header", "routes: [{" + route + ", inject: {\"${SECRET}\": a}}]\n"},
      {"stripped header", "strip: [\"${SECRET}\"]\nroutes: [{" + route + "}]\n"},
      {"prefix to strip", "routes: [{" + route + ", rewrite: {strip_prefix: \"${SECRET}\"}}]\n"},
      {"prefix to add", "routes: [{" + route + ", rewrite: {prefix: \"${SECRET}\"}}]\n"},
      {"host to ask for", "routes: [{" + route + ", rewrite: {host: \"${SECRET}\"}}]\n"},
      {"algorithm",
       "authenticators: {staff: {jwt: {token: [{cookie: c}], keys: [{secret: " + kKey +
           "}], algorithms: [\"${SECRET}\"]}}}\nroutes: [{path: /**, authenticate: [staff], upstream: app}]\n"},
  };
  const auto environment = environment_of({{"SECRET", "hunter2 {"}});
  for (const auto& [what, rest] : cases) {
    const auto read = read_configuration("test.yaml", beginning + rest, environment);
    EXPECT_FALSE(read.ok()) << what;
    EXPECT_THAT(read.diagnostics.lines(), Not(Contains(HasSubstr("hunter2")))) << what;
  }
}

TEST(CompilePolicy, CompilesWhatWasFoundToBeFine) {
  const auto read = read_configuration("demo", text_of("all"), environment_of({}));
  ASSERT_TRUE(read.ok());
  EXPECT_NE(compile_policy(read.config, {}), nullptr);
}

TEST_F(FindConfiguration, OnlyTheSecretsOfAnEarlierOneAreReadAnew) {
  const std::string text =
      "version: 1\nlisteners: {public: {address: \"127.0.0.1:0\"}}\n"
      "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n"
      "authenticators: {staff: {jwt: {token: [{bearer: Authorization}], keys: [{secret: {file: key}}], "
      "algorithms: [HS256]}}}\n"
      "routes: [{name: all, path: /**, authenticate: [staff], upstream: app}]\n";
  write("key", kKey + "\n");
  const auto file = write("sidegate.yaml", text);
  const auto earlier = find_configuration(file, environment_of({}));
  ASSERT_TRUE(earlier.ok());
  EXPECT_THAT(config::secret_files(earlier.config), testing::ElementsAre(HasSubstr("/key")));

  write("key", std::string(40, 'n'));
  write("sidegate.yaml", "no: configuration\n");
  const auto again = load_again(earlier.config, environment_of({}));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again.config.authenticators[0].jwt.keys[0].secret.secret.reveal(), std::string(40, 'n'));
  EXPECT_EQ(again.config.routes[0].name, "all");
  EXPECT_EQ(again.config.file, file);

  write("key", "short");
  const auto refused = load_again(earlier.config, environment_of({}));
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(refused.diagnostics.lines().front(), HasSubstr(file + ":4:"));
}

/// Whatever is missing from a configuration, somebody says so and nobody falls over it.
TEST(ReadConfiguration, ConfigurationsWithHolesHarmNobody) {
  const std::filesystem::path folder = std::filesystem::path(SIDEGATE_SOURCE_DIR) / "config";
  int tried = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    std::vector<std::string> lines;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) lines.push_back(line + "\n");
    const auto environment = [](std::string_view) { return std::optional<std::string>(kKey + kKey); };
    for (std::size_t hole = 0; hole < lines.size(); ++hole) {
      std::string without;
      std::string before;
      for (std::size_t i = 0; i < lines.size(); ++i) {
        if (i != hole) without += lines[i];
        if (i < hole) before += lines[i];
      }
      for (const auto& text : {without, before, before + lines[hole].substr(0, lines[hole].size() / 2)}) {
        const auto read = read_configuration("test.yaml", text, environment);
        EXPECT_TRUE(read.ok() || !read.diagnostics.lines().empty());
        ++tried;
      }
    }
  }
  EXPECT_GT(tried, 0);
}

TEST_F(FindConfiguration, ReadsTheFileOfRevocations) {
  const auto lines_of = [this](const std::string& revoked) {
    write("revoked.json", revoked);
    return find_configuration(write("revoking.yaml", text_of("x") + "revocations: {file: revoked.json}\n"),
                              environment_of({}))
        .diagnostics.lines();
  };
  EXPECT_THAT(lines_of(R"({"revocations":[]})"), IsEmpty());
  EXPECT_THAT(lines_of("{}"), ElementsAre(HasSubstr("revoking.yaml:5:21: at revocations.file: this file of revocations "
                                                    "cannot be used: it is not {\"revocations\": […]}")));
  EXPECT_THAT(lines_of(R"({"revocations":[{"authenticator":"gone","jti":"1","expires":1}]})"),
              ElementsAre(HasSubstr("it revokes credentials of \"gone\", an authenticator that there is not")));
  std::filesystem::remove(folder_.file("revoked.json"));
  EXPECT_TRUE(find_configuration(folder_.file("revoking.yaml"), environment_of({})).ok()) << "it is made when needed";
}

}  // namespace
}  // namespace sidegate::app
