#include <sidegate/authority/service_check.hpp>

#include "certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidegate::authority {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

config::SecretReference reference(const std::string& text, int line) {
  config::SecretReference made;
  made.secret = base::Secret(text);
  made.where.line = line;
  return made;
}

std::string key_pem(const Certificate& of) {
  BIO* const out = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(out, of.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  std::string text(bytes, static_cast<std::size_t>(size));
  BIO_free(out);
  return text;
}

config::Authenticator remote(const std::string& url) {
  config::Authenticator made;
  made.name = "session";
  made.kind = config::Authenticator::Kind::Remote;
  made.service.endpoint.url = url;
  made.service.endpoint.where.line = 3;
  made.service.send_as = {.kind = config::SendAs::Kind::Bearer, .name = "Authorization"};
  return made;
}

std::vector<std::string> findings(const config::Config& config) {
  config::Diagnostics diagnostics("f");
  check_services(config, diagnostics);
  return diagnostics.lines();
}

std::vector<std::string> findings(const config::Authenticator& authenticator) {
  config::Config config;
  config.authenticators.push_back(authenticator);
  return findings(config);
}

TEST(ServiceCheck, FindsNothingWhereNothingIsWrong) {
  EXPECT_THAT(findings(config::Config{}), IsEmpty());
  EXPECT_THAT(findings(remote("https://auth.test/")), IsEmpty());
  EXPECT_THAT(findings(remote("http://127.0.0.1/")), IsEmpty());
  const auto certificate = make_certificate("me", "", nullptr);
  auto with_tls = remote("https://auth.test/");
  with_tls.service.endpoint.tls.ca = reference(certificate.pem(), 4);
  with_tls.service.endpoint.tls.certificate = reference(certificate.pem() + certificate.pem(), 5);
  with_tls.service.endpoint.tls.private_key = reference(key_pem(certificate), 6);
  EXPECT_THAT(findings(with_tls), IsEmpty());
}

TEST(ServiceCheck, LooksAtEveryKindOfService) {
  config::Config config;
  config.authenticators.push_back(remote("http://auth.test/"));
  auto introspection = remote("https://auth.test/");
  introspection.kind = config::Authenticator::Kind::Introspection;
  introspection.service.client.method = config::ClientAuthentication::Method::PrivateKeyJwt;
  introspection.service.client.secret = reference("no key", 9);
  config.authenticators.push_back(introspection);
  config::UserInfo users{.name = "directory", .authenticators = {}, .endpoint = {}};
  users.endpoint.url = "https://auth.test/users/";
  users.endpoint.where.line = 12;
  config.user_info.push_back(users);
  config.session_refresh.emplace();
  config.session_refresh->endpoint.url = "https://169.254.169.254/";
  config.session_refresh->endpoint.where.line = 20;
  EXPECT_THAT(findings(config), ElementsAre(HasSubstr("f:3:0: by plain http"), HasSubstr("no private key of a pair"),
                                            HasSubstr("f:12:0: the URL does not say where the subject stands"),
                                            HasSubstr("f:20:0: 169.254.169.254 is a link-local")));
}

TEST(ServiceCheck, CertificatesAndKeysMustBeOfUse) {
  const auto mine = make_certificate("me", "", nullptr);
  const auto others = make_certificate("other", "", nullptr);
  const auto with = [](const std::string& ca, const std::string& certificate, const std::string& key) {
    auto made = remote("https://auth.test/");
    if (!ca.empty()) made.service.endpoint.tls.ca = reference(ca, 4);
    if (!certificate.empty()) made.service.endpoint.tls.certificate = reference(certificate, 5);
    if (!key.empty()) made.service.endpoint.tls.private_key = reference(key, 6);
    return findings(made);
  };
  EXPECT_THAT(with("nothing", "", ""), ElementsAre(HasSubstr("f:4:0: it holds no certificate")));
  EXPECT_THAT(with("", mine.pem(), key_pem(others)),
              ElementsAre(HasSubstr("f:5:0: `private_key` is not that of `certificate`")));
  EXPECT_THAT(with("", mine.pem(), mine.pem()), ElementsAre(HasSubstr("`private_key` holds no private key")));
  EXPECT_THAT(with("", "nothing", key_pem(mine)), ElementsAre(HasSubstr("`certificate` holds no certificate")));
  const std::string broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_THAT(with("", broken, key_pem(mine)), ElementsAre(HasSubstr("a certificate that cannot be used")));
  EXPECT_THAT(with(broken, "", ""), ElementsAre(HasSubstr("a certificate that cannot be read")));
}

}  // namespace
}  // namespace sidegate::authority
