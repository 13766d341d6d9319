#include <sidegate/authority/issuer_check.hpp>

#include "certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidegate::authority {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> problems(const config::Issuer& issuer) {
  config::Config config;
  config.authenticators.emplace_back();
  auto& keys = config.authenticators.back().jwt.keys;
  keys.emplace_back();
  keys.emplace_back().issuer = issuer;
  config::Diagnostics diagnostics("test");
  check_issuers(config, diagnostics);
  return diagnostics.lines();
}

config::Issuer issuer(const std::string& url, const std::string& ca = {}) {
  config::Issuer issuer;
  issuer.url = url;
  issuer.where = {3, 7, "authenticators.staff.jwt.keys[1].jwks_url"};
  if (!ca.empty()) {
    issuer.ca.emplace();
    issuer.ca->secret = base::Secret(ca);
    issuer.ca->where = {4, 9, "authenticators.staff.jwt.keys[1].ca"};
  }
  return issuer;
}

TEST(CheckIssuers, FindsUrlsThatAreNeverAsked) {
  EXPECT_THAT(problems(issuer("https://issuer.example/jwks?v=1")), IsEmpty());
  EXPECT_THAT(problems(issuer("http://127.0.0.1/jwks")), IsEmpty());
  EXPECT_THAT(problems(issuer("https://issuer.example/a b")),
              ElementsAre("test:3:7: at authenticators.staff.jwt.keys[1].jwks_url: this is no well-formed URL"));
  EXPECT_THAT(problems(issuer("http://issuer.example/jwks")), ElementsAre(HasSubstr("by plain http")));
  EXPECT_THAT(problems(issuer("https://169.254.169.254/jwks")), ElementsAre(HasSubstr("a link-local address")));
}

TEST(CheckIssuers, FindsFilesWithoutCertificates) {
  const std::string url = "https://issuer.example/jwks";
  const std::string certificate = make_certificate("CA", "", nullptr).pem();
  EXPECT_THAT(problems(issuer(url, certificate)), IsEmpty());
  EXPECT_THAT(problems(issuer(url, "# two\n" + certificate + certificate)), IsEmpty());
  EXPECT_THAT(
      problems(issuer(url, "nothing of that kind")),
      ElementsAre("test:4:9: at authenticators.staff.jwt.keys[1].ca: it holds no certificate (BEGIN CERTIFICATE)"));
  auto broken = certificate;
  broken.replace(broken.find("MII"), 3, "AAA");
  EXPECT_THAT(problems(issuer(url, broken)), ElementsAre(HasSubstr("a certificate that cannot be read")));
  EXPECT_THAT(problems(issuer(url, certificate + broken)), ElementsAre(HasSubstr("a certificate that cannot be read")));
}

}  // namespace
}  // namespace sidegate::authority
