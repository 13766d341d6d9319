#pragma once

#include <sidegate/config/load.hpp>
#include <sidegate/http/head_parser.hpp>
#include <sidegate/policy/policy.hpp>
#include <sidegate/token/signer.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sidegate::policy {

inline constexpr base::UnixTime kNow{std::chrono::seconds(1'790'000'000)};
inline constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";

/// A token that is valid at `kNow`, with these claims beside `exp`.
inline std::string token_of(boost::json::object claims, std::string_view secret = kSecret) {
  if (!claims.contains("exp")) claims["exp"] = 1'790'003'600;
  return *token::sign_jwt(claims, token::Algorithm::HS256, secret);
}

/// A configuration of one listener, one upstream and the authenticator `staff`, with `more` behind them.
inline std::string with(const std::string& more) {
  return "version: 1\n"
         "listeners: {public: {address: \"127.0.0.1:0\"}}\n"
         "upstreams: {app: {servers: [\"http://127.0.0.1:8000\"]}}\n"
         "authenticators: {staff: {jwt: {token: [{cookie: access_token}, {bearer: Authorization}], "
         "keys: [{secret: 0123456789abcdef0123456789abcdef}], algorithms: [HS256]}}}\n" +
         more;
}

/// A configuration as it was loaded and compiled, with what was said about it.
struct Compiled {
  config::Config config;
  std::unique_ptr<Policy> policy;
  std::vector<std::string> lines;
  bool ok = false;
};

inline Compiled compile(const std::string& text, const Shared& shared = {}) {
  config::Diagnostics diagnostics("test.yaml");
  Compiled compiled;
  const auto environment = [](std::string_view) { return std::optional<std::string>(); };
  compiled.config = config::load_text(text, "/", environment, diagnostics);
  if (diagnostics.ok()) compiled.policy = Policy::compile(compiled.config, diagnostics, shared);
  compiled.lines = diagnostics.lines();
  compiled.ok = diagnostics.ok();
  return compiled;
}

/// Reads a request as the proxy does.
class ParsedRequest {
 public:
  explicit ParsedRequest(std::string bytes) : bytes_(std::move(bytes)) {
    http::RequestParser parser(limits_);
    if (!parser.parse(bytes_, head_).value()) throw std::invalid_argument("half a request");
    facts_ = http::check_request(head_).value();
    target_ = http::canonicalise(head_.target, head_.known_method == http::Method::Options, storage_).value();
  }
  ParsedRequest(const ParsedRequest&) = delete;
  ParsedRequest& operator=(const ParsedRequest&) = delete;

  Request request(std::size_t listener = 0) const { return {&head_, &facts_, &target_, listener}; }
  const http::RequestHead& head() const { return head_; }

 private:
  base::Limits limits_;
  std::string bytes_;
  http::RequestHead head_;
  http::RequestFacts facts_;
  std::string storage_;
  http::CanonicalTarget target_;
};

/// `METHOD target` and field lines, each without its CRLF, as a request to `h.example`.
inline std::string request_of(const std::string& start, const std::vector<std::string>& fields = {}) {
  std::string text = start + " HTTP/1.1\r\nHost: h.example\r\n";
  for (const auto& field : fields) text += field + "\r\n";
  return text + "\r\n";
}

/// What was decided, in words: `forward ROUTE [AUTHENTICATOR=SUBJECT] [-authorization] [-cookie]`, or
/// `refuse REASON [AUTHENTICATOR OUTCOME] [SUBJECT]`.
inline std::string describe(const Decision& decision) {
  std::string text;
  if (decision.kind == Decision::Kind::Forward) {
    text = "forward " + decision.route->name;
    if (!decision.authenticator_name.empty()) {
      text += " " + std::string(decision.authenticator_name) + "=" + std::string(decision.subject);
    }
    if (!decision.forward_authorization) text += " -authorization";
    if (!decision.forward_cookie) text += " -cookie";
    return text;
  }
  text = "refuse " + std::string(base::name_of(decision.reason));
  if (decision.outcome) {
    text += " " + std::string(decision.authenticator_name) + " " + std::string(base::name_of(*decision.outcome));
  }
  if (!decision.subject.empty()) text += " " + std::string(decision.subject);
  return text;
}

/// Decides one request after the other.
class Deciding {
 public:
  explicit Deciding(const std::string& text, const Shared& shared = {}) : compiled_(compile(text, shared)) {
    if (!compiled_.ok) throw std::invalid_argument(compiled_.lines.front());
  }

  /// The views of the result hold until the next call.
  const Decision& decide(const std::string& bytes, std::size_t listener = 0) {
    request_ = std::make_unique<ParsedRequest>(bytes);
    decision_ = compiled_.policy->decide(request_->request(listener), kNow, scratch_);
    return decision_;
  }
  std::string description(const std::string& bytes, std::size_t listener = 0) {
    return describe(decide(bytes, listener));
  }
  std::string lines(const std::string& bytes) { return std::string(decide(bytes).lines); }

  Policy& policy() { return *compiled_.policy; }
  const Scratch& scratch() const { return scratch_; }

 private:
  Compiled compiled_;
  Scratch scratch_;
  std::unique_ptr<ParsedRequest> request_;
  Decision decision_;
};

}  // namespace sidegate::policy
