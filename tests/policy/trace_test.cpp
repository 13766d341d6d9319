#include <sidegate/policy/trace.hpp>

#include <gtest/gtest.h>

#include "deciding.hpp"

namespace sidegate::policy {
namespace {

const std::string kRoutes =
    "inject: {X-User-Id: \"{subject}\", X-User-Mail: \"{claims.mail|}\", X-Service: tts}\n"
    "routes:\n"
    "  - {name: status, path: /status, methods: [GET], authenticate: none, upstream: app}\n"
    "  - {name: other-host, host: other.example, path: /**, authenticate: none, upstream: app}\n"
    "  - {name: maybe, path: /maybe, authenticate: optional, upstream: app}\n"
    "  - {name: free, path: /free, authenticate: [staff], upstream: app, csrf: none}\n"
    "  - {name: all, path: /**, authenticate: [staff], upstream: app}\n";

/// How a decision came about, in words: routes, places, the last check of the token, other sites, injected headers.
class Tracing {
 public:
  std::string of(const std::string& start, const std::vector<std::string>& fields = {}) {
    const ParsedRequest request(request_of(start, fields));
    Scratch scratch;
    Trace trace;
    const auto traced = describe(compiled_.policy->decide(request.request(), kNow, scratch, &trace));
    EXPECT_EQ(traced, describe(compiled_.policy->decide(request.request(), kNow, scratch))) << start;
    return routes(trace) + places(trace) + token(trace) + own_site(trace) + inject(trace);
  }

 private:
  std::string routes(const Trace& trace) const {
    static constexpr std::array kWords{"", " path", " host", " method"};
    std::string text;
    for (const auto& step : trace.routes) {
      text += (text.empty() ? "" : ", ") + compiled_.config.routes[step.route].name +
              kWords[static_cast<std::size_t>(step.mismatch)];
    }
    return text;
  }

  static std::string places(const Trace& trace) {
    std::string text;
    for (const auto& step : trace.places) {
      text += "; " + std::string(step.authenticator) + " " + step.source->name;
      if (step.found == PlaceStep::Found::Credential) text += step.decides ? " decides" : " found";
      if (step.found == PlaceStep::Found::Unreadable) text += " " + std::string(base::name_of(step.reason));
    }
    return text;
  }

  static std::string token(const Trace& trace) {
    if (trace.token.empty()) return {};
    const auto& last = trace.token.back();
    return "; " + std::string(name_of(last.name)) + (last.passed ? " passed" : " failed");
  }

  static std::string own_site(const Trace& trace) {
    if (!trace.own_site) return {};
    return (*trace.own_site ? "; own site: " : "; other site: ") + trace.own_site_detail;
  }

  static std::string inject(const Trace& trace) {
    static constexpr std::array kWords{" set", " no caller", " empty", " unusable"};
    std::string text;
    for (const auto& step : trace.inject) {
      text += "; " + std::string(step.name) + kWords[static_cast<std::size_t>(step.result)];
    }
    return text;
  }

  Compiled compiled_ = compile(with(kRoutes));
};

const std::string kCookie = "Cookie: access_token=" + token_of({{"sub", "42"}});
const std::string kBearer = "Authorization: Bearer " + token_of({{"sub", "7"}, {"mail", "a@b"}});

TEST(Trace, TellsWhatWasLookedAt) {
  struct Case {
    const char* name;
    std::string start;
    std::vector<std::string> fields;
    std::string expected;
  };
  const std::string before_all = "status path, other-host host, maybe path, free path, all";
  const Case cases[]{
      {"a route that asks for nobody",
       "GET /status",
       {kBearer},
       "status; X-User-Id no caller; X-User-Mail no caller; X-Service set"},
      {"a method that is none of its methods",
       "POST /status",
       {},
       "status method, other-host host, maybe path, free path, all; staff access_token; staff Authorization"},
      {"nobody, which is optional",
       "GET /maybe",
       {},
       "status path, other-host host, maybe; staff access_token; staff Authorization; X-User-Id no caller; "
       "X-User-Mail no caller; X-Service set"},
      {"a bearer token",
       "POST /x",
       {kBearer},
       before_all +
           "; staff access_token; staff Authorization decides; revocation passed; own site: the credential is no "
           "cookie, so no browser adds it by itself; X-User-Id set; X-User-Mail set; X-Service set"},
      {"two of them",
       "GET /x",
       {kCookie, kBearer},
       before_all + "; staff access_token decides; staff Authorization found; revocation passed; own site: the method "
                    "changes nothing; X-User-Id set; X-User-Mail empty; X-Service set"},
      {"one that can be read in two ways",
       "GET /x",
       {kBearer, kBearer},
       before_all + "; staff access_token; staff Authorization several_authorizations"},
      {"a bad token",
       "GET /x",
       {kBearer + "x"},
       before_all + "; staff access_token; staff Authorization decides; signature failed"},
      {"a token that names nobody",
       "GET /x",
       {"Authorization: Bearer " + token_of({})},
       before_all + "; staff access_token; staff Authorization decides; subject failed"},
      {"a token that is too long",
       "GET /x",
       {"Authorization: Bearer " + std::string(16385, 'a')},
       before_all + "; staff access_token; staff Authorization decides; size failed"},
      {"another site",
       "POST /x",
       {kCookie, "Origin: http://evil.example"},
       before_all +
           "; staff access_token decides; staff Authorization; revocation passed; other site: Origin is not the "
           "request's own host"},
      {"the own site",
       "POST /x",
       {kCookie, "Origin: http://h.example"},
       before_all + "; staff access_token decides; staff Authorization; revocation passed; own site: Origin is the "
                    "request's own host; X-User-Id set; X-User-Mail empty; X-Service set"},
      {"no browser",
       "POST /x",
       {kCookie},
       before_all +
           "; staff access_token decides; staff Authorization; revocation passed; own site: there is no Origin; "
           "X-User-Id set; X-User-Mail empty; X-Service set"},
      {"the rule is off",
       "POST /free",
       {kCookie, "Origin: http://evil.example"},
       "status path, other-host host, maybe path, free; staff access_token decides; staff Authorization; revocation "
       "passed; X-User-Id set; X-User-Mail empty; X-Service set"},
      {"a value that is no header's",
       "GET /x",
       {"Authorization: Bearer " + token_of({{"sub", "42"}, {"mail", "a\nb"}})},
       before_all +
           "; staff access_token; staff Authorization decides; revocation passed; own site: the credential is no "
           "cookie, so no browser adds it by itself; X-User-Id set; X-User-Mail unusable"},
  };
  Tracing tracing;
  for (const Case& each : cases) EXPECT_EQ(tracing.of(each.start, each.fields), each.expected) << each.name;
}

}  // namespace
}  // namespace sidegate::policy
