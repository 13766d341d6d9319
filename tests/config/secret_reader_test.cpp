#include "secret_reader.hpp"
#include "file.hpp"
#include "loading.hpp"
#include "yaml_text.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace sidegate::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A folder that goes when the test ends.
class SecretReader : public testing::Test {
 protected:
  SecretReader() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) / (std::string(test->name()) + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  ~SecretReader() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void write(const std::string& name, std::string_view content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }

  Loaded load_key(const std::string& secret) { return load_item("{secret: " + secret + "}"); }
  Loaded load_item(const std::string& item) {
    return load(with_instead("authenticators: {staff: {jwt: {token: [{cookie: c}], keys: [" + item +
                             "], algorithms: [HS256]}}}"),
                key_variables(), folder_.string());
  }
  SecretReference key(const std::string& secret) {
    Loaded loaded = load_key(secret);
    EXPECT_THAT(loaded.lines, IsEmpty());
    return loaded.config.authenticators.at(0).jwt.keys.at(0).secret;
  }

  std::filesystem::path folder_;
};

TEST_F(SecretReader, FromTheEnvironment) {
  const auto reference = key("{env: JWT_KEY}");
  EXPECT_EQ(reference.kind, SecretReference::Kind::Environment);
  EXPECT_EQ(reference.name, "JWT_KEY");
  EXPECT_EQ(reference.secret.reveal(), kStrongKey);
  EXPECT_EQ(reference.where.path, "authenticators.staff.jwt.keys[0].secret");
}

TEST_F(SecretReader, FromAFileBesideTheConfiguration) {
  struct Case {
    std::string_view content;
    std::string_view expected;
  };
  using namespace std::string_view_literals;
  for (const auto& [content, expected] :
       {Case{"abc", "abc"}, Case{"abc\n", "abc"}, Case{"abc\n\n", "abc\n"}, Case{"\xff\0b\r\n"sv, "\xff\0b\r"sv}}) {
    write("jwt.key", content);
    const auto reference = key("{file: jwt.key}");
    EXPECT_EQ(reference.kind, SecretReference::Kind::File);
    EXPECT_EQ(reference.name, (folder_ / "jwt.key").string());
    EXPECT_EQ(reference.secret.reveal(), expected);
  }
  EXPECT_EQ(key("{file: \"" + (folder_ / "jwt.key").string() + "\"}").name, (folder_ / "jwt.key").string());
}

TEST_F(SecretReader, FromAText) {
  EXPECT_EQ(key("plain-text").secret.reveal(), "plain-text");
  EXPECT_EQ(key("12345").secret.reveal(), "12345");
  EXPECT_EQ(key("\"a\\nb\"").secret.reveal(), "a\nb") << "a secret may hold any byte";
  EXPECT_EQ(key("\"http://a:b@c\"").secret.reveal(), "http://a:b@c");
  EXPECT_EQ(key("\"${PASSWORD}\"").secret.reveal(), "hunter2");
  EXPECT_EQ(key("plain").kind, SecretReference::Kind::Plain);
}

TEST_F(SecretReader, Mistakes) {
  write("empty.key", "");
  write("newline.key", "\n");
  write("large.key", std::string(kSecretBytesMax + 1, 'x'));
  struct Case {
    std::string secret;
    std::string expected;
  };
  const std::vector<Case> cases{
      {"{env: NOT_SET}", "secret.env: the environment variable NOT_SET is not set"},
      {"{env: EMPTY}", "secret.env: the environment variable EMPTY is empty"},
      {"{file: missing.key}", "secret.file: cannot read the file \"missing.key\": No such file or directory"},
      {"{file: .}", "secret.file: cannot read the file \".\": Is a directory"},
      {"{file: empty.key}", "secret.file: the file \"empty.key\" is empty"},
      {"{file: newline.key}", "secret.file: the file \"newline.key\" is empty"},
      {"{file: large.key}", "secret.file: cannot read the file \"large.key\": it is larger than 65536 bytes"},
      {"{env: A, file: b}", "secret: a secret is {env: NAME}, {file: PATH} or a text"},
      {"{}", "secret: a secret is {env: NAME}, {file: PATH} or a text"},
      {"\"\"", "secret: the secret is empty"},
      {"\"${EMPTY}\"", "secret: the secret is empty"},
      {"[hunter2]", "secret: expected a secret: {env: NAME}, {file: PATH} or a text, found a list"},
      {"", "secret: expected a secret: {env: NAME}, {file: PATH} or a text, found nothing"},
  };
  for (const auto& [secret, expected] : cases) {
    EXPECT_THAT(load_key(secret).lines, ElementsAre(testing::EndsWith("jwt.keys[0]." + expected))) << secret;
  }
}

TEST_F(SecretReader, KeyFilesAreReadLikeThoseOfSecrets) {
  write("key", "content\n");
  using Form = Key::Form;
  for (const Form form : {Form::Pem, Form::Jwk, Form::JwkSet}) {
    Key of_form;
    of_form.form = form;
    const std::string word(form_name(of_form));
    const auto loaded = load_item("{" + word + ": ./key, until: \"2030-12-31T00:00:00Z\"}");
    ASSERT_THAT(loaded.lines, IsEmpty()) << word;
    const Key& key = loaded.config.authenticators.at(0).jwt.keys.at(0);
    EXPECT_EQ(key.form, form);
    EXPECT_TRUE(key.until);
    EXPECT_EQ(key.secret.kind, SecretReference::Kind::File);
    EXPECT_EQ(key.secret.name, (folder_ / "key").string());
    EXPECT_EQ(key.secret.secret.reveal(), "content");
    EXPECT_EQ(key.secret.where.path, "authenticators.staff.jwt.keys[0]." + word);
    EXPECT_THAT(secret_files(loaded.config), ElementsAre((folder_ / "key").string()));
    EXPECT_THAT(to_yaml(loaded.config), HasSubstr("- " + word + ": " + yaml_quoted((folder_ / "key").string())));
    EXPECT_THAT(to_yaml(loaded.config), Not(HasSubstr("content")));
  }
}

TEST_F(SecretReader, KeyFilesHaveALimit) {
  write("keys.json", std::string(kKeyFileBytesMax, 'x'));
  EXPECT_THAT(load_item("{jwks_file: keys.json}").lines, IsEmpty());
  write("keys.json", std::string(kKeyFileBytesMax + 1, 'x'));
  EXPECT_THAT(load_item("{jwks_file: keys.json}").lines, ElementsAre(HasSubstr("is larger than 1048576 bytes")));
}

TEST_F(SecretReader, OnlySecretsMayBeWeak) {
  write("key", "content");
  EXPECT_THAT(load_item("{jwk_file: key, allow_weak: true}").lines, IsEmpty());
  EXPECT_THAT(load_item("{pem_file: key, allow_weak: true}").lines,
              ElementsAre(HasSubstr("keys[0].allow_weak: allow_weak is for secrets; a PEM holds none")));
}

TEST_F(SecretReader, SaysWhereASecretComesFromInWordsThatMayBeShown) {
  write("jwt.key", "hunter2\n");
  EXPECT_EQ(key("{env: PASSWORD}").source(), "env PASSWORD");
  EXPECT_EQ(key("{file: jwt.key}").source(), "file " + (folder_ / "jwt.key").string());
  EXPECT_EQ(key("hunter2").source(), "text");
  EXPECT_EQ(key("\"${PASSWORD}\"").source(), "text");
}

TEST_F(SecretReader, TheFilesOfAConfigurationAreThoseOfAllItsSecrets) {
  for (const std::string name : {"admin.token", "old.key", "new.key"}) write(name, kStrongKey);
  const auto loaded = load(with_instead("authenticators: {staff: {jwt: {token: [{cookie: c}], algorithms: [HS256], "
                                        "keys: [{secret: {file: ./old.key}}, {secret: {env: JWT_KEY}}, "
                                        "{secret: plain, allow_weak: true}, {secret: {file: new.key}}]}}}") +
                               "admin: {address: \"127.0.0.1:1\", token: {file: admin.token}}\n",
                           key_variables(), folder_.string());
  ASSERT_THAT(loaded.lines, IsEmpty());
  const auto path = [this](const std::string& name) { return (folder_ / name).string(); };
  EXPECT_THAT(secret_files(loaded.config), ElementsAre(path("admin.token"), path("old.key"), path("new.key")));
  EXPECT_THAT(secret_files(load(with("")).config), IsEmpty());
}

TEST_F(SecretReader, TheFilesOfThoseWhoAreAskedAreAmongThem) {
  const std::vector<std::string> names{"client", "ca", "certificate", "key", "user", "refresh"};
  for (const auto& name : names) write(name, "content");
  const auto loaded = load(
      with_instead(
          "authenticators:\n"
          "  staff: {jwt: {token: [{cookie: access_token}], algorithms: [HS256], keys: [{secret: {env: JWT_KEY}}]}}\n"
          "  opaque: {introspection: {token: [{bearer: Authorization}], url: \"https://auth/\", "
          "client: {id: me, secret: {file: client}}, tls: {ca: ca, certificate: certificate, private_key: key}}}\n") +
          "user_info: {directory: {for: [staff], url: \"https://auth/{subject}\", "
          "credential: {bearer: {file: user}}}}\n"
          "session_refresh: {for: [staff], url: \"https://auth/\", credential: {bearer: {file: refresh}}}\n",
      key_variables(), folder_.string());
  ASSERT_TRUE(loaded.ok);
  std::vector<std::string> paths;
  for (const auto& name : names) paths.push_back((folder_ / name).string());
  EXPECT_EQ(secret_files(loaded.config), paths);
}

TEST_F(SecretReader, ALoadAgainReadsTheFilesThatTheTextNames) {
  write("jwt.key", kStrongKey);
  const auto earlier = load_key("{file: jwt.key}");
  ASSERT_THAT(earlier.lines, IsEmpty());
  write("jwt.key", "renewed\n");
  Diagnostics diagnostics("test.yaml");
  const auto again = load_again(earlier.config, environment_of({}), diagnostics);
  EXPECT_THAT(diagnostics.lines(), IsEmpty());
  EXPECT_EQ(again.authenticators.at(0).jwt.keys.at(0).secret.secret.reveal(), "renewed");
  EXPECT_EQ(earlier.config.authenticators.at(0).jwt.keys.at(0).secret.secret.reveal(), kStrongKey);

  std::filesystem::remove(folder_ / "jwt.key");
  load_again(earlier.config, environment_of({}), diagnostics);
  EXPECT_THAT(diagnostics.lines(), ElementsAre(HasSubstr("cannot read the file \"jwt.key\"")));
}

TEST_F(SecretReader, TheLargestFile) {
  write("large.key", std::string(kSecretBytesMax, 'x'));
  EXPECT_EQ(key("{file: large.key}").secret.size(), kSecretBytesMax);
}

TEST_F(SecretReader, NoMessageHoldsASecret) {
  write("jwt.key", "hunter2\n");
  for (const std::string secret : {"{file: jwt.key, until: x}", "{env: PASSWORD, x: y}", "hunter2, until: never",
                                   "\"${PASSWORD}\", allow_weak: maybe", "{plain: hunter2}", "[hunter2]"}) {
    const auto loaded = load_key(secret);
    EXPECT_FALSE(loaded.ok) << secret;
    for (const std::string& line : loaded.lines) EXPECT_THAT(line, Not(HasSubstr("hunter2")));
    EXPECT_THAT(to_yaml(loaded.config), Not(HasSubstr("hunter2")));
  }
}

}  // namespace
}  // namespace sidegate::config
