#include <sidegate/base/text.hpp>
#include <sidegate/explain/explain.hpp>
#include <sidegate/http/answer.hpp>
#include <sidegate/http/cookies.hpp>
#include <sidegate/http/gather_list.hpp>
#include <sidegate/http/head_parser.hpp>
#include <sidegate/http/request_target.hpp>
#include <sidegate/policy/trace.hpp>
#include <sidegate/proxy/client_address.hpp>
#include <sidegate/proxy/outgoing_head.hpp>
#include <sidegate/proxy/refusal.hpp>
#include <sidegate/proxy/request_ids.hpp>
#include <sidegate/proxy/trace_context.hpp>
#include <sidegate/token/inspection.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "redaction.hpp"
#include "words.hpp"

namespace sidegate::explain {
namespace {

using base::Message;
using base::Reason;
using policy::Decision;
using Outcome = Step::Outcome;

constexpr std::string_view kNew = "<new>";

Outcome outcome_of(bool passed) {
  return passed ? Outcome::Passed : Outcome::Failed;
}

/// Calls `visit(line)` for each line of `text` without its CRLF, up to an empty one.
template <class Visit>
void for_each_line(std::string_view text, Visit visit) {
  for (auto end = text.find("\r\n"); end != std::string_view::npos && end > 0; end = text.find("\r\n")) {
    visit(text.substr(0, end));
    text.remove_prefix(end + 2);
  }
}

std::vector<Header> headers_of(std::string_view lines) {
  std::vector<Header> headers;
  for_each_line(lines, [&](std::string_view line) {
    const auto colon = line.find(':');
    headers.push_back({std::string(line.substr(0, colon)), std::string(base::trim_blanks(line.substr(colon + 1)))});
  });
  return headers;
}

std::string body_in_words(const http::RequestFacts& facts) {
  const std::string upgrade = facts.asks_for_websocket ? ", asks for a WebSocket" : "";
  switch (facts.framing.kind) {
    case http::Framing::Kind::Length:
      return "a body of " + std::to_string(facts.framing.length) + " bytes" + upgrade;
    case http::Framing::Kind::Chunked:
      return "a body in chunks" + upgrade;
    default:
      return "no body" + upgrade;
  }
}

bool is_about_session(const inquiry::Service& service) noexcept {
  return service.kind() == inquiry::Service::Kind::SessionRefresh;
}

/// One request on its way, as `proxy::Session` takes it, with a note of every step.
class Walk {
 public:
  Walk(const config::Config& config, policy::Policy& policy, const Query& query, std::size_t listener,
       base::UnixTime now, std::span<const policy::GivenAnswer> answers)
      : config_(config), policy_(policy), query_(query), listener_index_(listener), now_(now), answers_(answers) {}

  Explanation take(const std::string& bytes) {
    said_.listener = listener().name;
    said_.client_ip = client_ip();
    if (!read(bytes)) return std::move(said_);
    decide();
    if (decision_.kind == Decision::Kind::Forward) {
      forward();
    } else {
      refuse(decision_.reason, &decision_);
    }
    return std::move(said_);
  }

 private:
  const config::Listener& listener() const { return config_.listeners[listener_index_]; }
  const config::Route& route() const { return config_.routes[decision_.route->index]; }

  std::string client_ip() const {
    if (const auto given = base::IpAddress::parse(query_.client_ip)) return given->text();
    return listener().address.kind == config::Address::Kind::Unix ? "" : "127.0.0.1";
  }

  bool read(const std::string& bytes) {
    for (const char* const name : {"head", "framing", "target"}) said_.request.push_back({name, Outcome::NotMade, {}});
    http::RequestParser parser(config_.limits);
    // Never half of one: the bytes end with the empty line.
    if (const auto whole = parser.parse(bytes, head_); !whole) return stop(0, whole.error());
    said_.method = head_.method;
    pass(0, std::to_string(head_.fields.size()) + (head_.fields.size() == 1 ? " header" : " headers"));
    read_what_peer_tells();
    const auto facts = http::check_request(head_);
    if (!facts) return stop(1, facts.error());
    facts_ = *facts;
    pass(1, body_in_words(facts_));
    const auto target = http::read_target(head_, facts_, target_storage_);
    if (!target) return stop(2, target.error());
    target_ = *target;
    said_.host = facts_.host;
    said_.path = target_.path;
    pass(2, said_.path + (target_.rewritten ? ", made canonical" : ""));
    return true;
  }

  void pass(std::size_t step, std::string detail) {
    said_.request[step].outcome = Outcome::Passed;
    said_.request[step].detail = std::move(detail);
  }

  bool stop(std::size_t step, Reason reason) {
    said_.request[step].outcome = Outcome::Failed;
    said_.request[step].detail = sentence_for(reason);
    refuse(reason, nullptr);
    return false;
  }

  void read_what_peer_tells() {
    const auto& trusted = listener().trusted_proxies;
    peer_is_trusted_ = proxy::is_trusted(said_.client_ip, trusted);
    peer_ip_ = said_.client_ip;
    if (!peer_is_trusted_) return;
    request_id_ = proxy::find_request_id(head_.fields);
    // A PROXY header has said who the client is.
    const auto client = proxy::find_client_address(head_.fields, trusted);
    if (client && !listener().proxy_protocol) said_.client_ip = client->text();
  }

  void decide() {
    const policy::Request request{.head = &head_,
                                  .facts = &facts_,
                                  .target = &target_,
                                  .listener = listener_index_,
                                  .peer_is_trusted = peer_is_trusted_,
                                  .moment = std::chrono::steady_clock::now(),
                                  .answers = answers_};
    decision_ = policy_.decide(request, now_, scratch_, &trace_);
    said_.question = std::move(scratch_.inquiries.question);
    tell_routes();
    const bool path_refused = is_refused_for(Reason::EncodedSlash) || is_refused_for(Reason::PathParameters);
    if (path_refused) add_rule("path", false, std::string(sentence_for(decision_.reason)));
    if (decision_.route == nullptr || path_refused) return;
    tell_places();
    tell_token();
    tell_authentication();
    tell_renewal();
    tell_own_site();
    tell_user_info();
    tell_inject();
    // Of a body in chunks the proxy finds it out as they come.
    const bool chunked = facts_.framing.kind == http::Framing::Kind::Chunked;
    const auto length = chunked ? query_.body_bytes.value_or(0) : facts_.framing.length;
    const bool forwarded = decision_.kind == Decision::Kind::Forward;
    proxy::limit_body(decision_, length);
    if (forwarded && decision_.route->max_body_bytes) {
      add_rule("max_body", decision_.kind == Decision::Kind::Forward,
               std::to_string(length) + " bytes, of " + std::to_string(*decision_.route->max_body_bytes) + " at most");
    }
  }

  bool is_refused_for(Reason reason) const {
    return decision_.kind == Decision::Kind::Refuse && decision_.reason == reason;
  }

  void add_rule(std::string name, bool passed, std::string detail) {
    said_.rules.push_back({std::move(name), outcome_of(passed), std::move(detail)});
  }

  void tell_routes() {
    for (const auto& step : trace_.routes) {
      const auto& route = config_.routes[step.route];
      said_.routes.push_back({route.name, step.mismatch == policy::Mismatch::None, why_not(step.mismatch, route)});
    }
    if (decision_.route != nullptr) said_.route = decision_.route->name;
  }

  void tell_places() {
    for (const auto& step : trace_.places) {
      PlaceLine line{std::string(step.authenticator), name_of(*step.source), "nothing", step.decides, {}};
      switch (step.found) {
        case policy::PlaceStep::Found::Nothing:
          line.detail = why_nothing(*step.source);
          break;
        case policy::PlaceStep::Found::Credential:
          line.found = "credential";
          line.detail = step.decides ? "a credential, which decides" : "a credential, which is not looked at";
          if (step.decides && step.authenticator != trace_.authenticator) {
            const bool by_issuer = kind_of(trace_.authenticator) == config::Authenticator::Kind::Jwt;
            line.detail = std::string("a credential, which ") +
                          (by_issuer ? "by its issuer is for " : "is no JSON Web Token, and so for ") +
                          std::string(trace_.authenticator);
          }
          break;
        case policy::PlaceStep::Found::Unreadable:
          line.found = "unreadable";
          line.detail = sentence_for(step.reason);
          break;
      }
      said_.places.push_back(std::move(line));
    }
  }

  /// An empty value, another scheme and a scheme alone are no credential.
  std::string why_nothing(const config::TokenSource& source) const {
    if (source.kind == config::TokenSource::Kind::Bearer) {
      const bool is_there = std::any_of(head_.fields.begin(), head_.fields.end(), [](const http::Field& field) {
        return field.known == http::FieldName::Authorization;
      });
      return is_there ? "the header holds no bearer token" : "not there";
    }
    bool is_there = false;
    std::vector<std::string> others;
    http::for_each_cookie(head_.fields, [&](std::string_view name, std::string_view, std::string_view) {
      is_there = is_there || name == source.name;
      if (!name.empty()) others.emplace_back(token::in_quotes(name));
    });
    if (is_there) return "the cookie is empty";
    return others.empty() ? "not there" : "not there; there are " + joined(others);
  }

  void tell_token() {
    if (trace_.token.empty()) return;
    for (const auto& check : trace_.token) {
      said_.token.push_back({std::string(token::name_of(check.name)), outcome_of(check.passed), check.detail});
    }
    for (const auto name : token::kCheckNames) {
      const bool made = std::any_of(trace_.token.begin(), trace_.token.end(),
                                    [&](const token::Check& check) { return check.name == name; });
      if (!made && is_check_of_kind(name))
        said_.token.push_back({std::string(token::name_of(name)), Outcome::NotMade, {}});
    }
  }

  config::Authenticator::Kind kind_of(std::string_view authenticator) const {
    const auto is_it = [authenticator](const auto& each) { return each.name == authenticator; };
    const auto& all = config_.authenticators;
    return std::find_if(all.begin(), all.end(), is_it)->kind;
  }

  /// What somebody else decides is not checked here.
  bool is_check_of_kind(token::CheckName name) const {
    using token::CheckName;
    if (kind_of(trace_.authenticator) == config::Authenticator::Kind::Jwt) return name != CheckName::Service;
    return name == CheckName::Size || name == CheckName::Service || name == CheckName::Subject ||
           name == CheckName::Revocation;
  }

  void tell_renewal() {
    if (!trace_.renewed) return;
    const bool untried = std::any_of(answers_.begin(), answers_.end(),
                                     [](const auto& answer) { return is_about_session(*answer.service); });
    add_rule("session_refresh", *trace_.renewed,
             untried ? "it is due; explaining does not try it, since that may use up the refresh token"
                     : trace_.renewal_detail);
  }

  void tell_user_info() {
    if (trace_.user_detail.empty()) return;
    add_rule("user_info", !is_refused_for(Reason::Unavailable), trace_.user_detail);
  }

  void tell_authentication() {
    using Authenticate = config::Route::Authenticate;
    if (route().authenticate == Authenticate::None) {
      return add_rule("authentication", true, "the route asks for none; credentials are not looked at");
    }
    if (!decision_.subject.empty()) {
      said_.caller = Caller{std::string(decision_.authenticator_name), std::string(decision_.subject), {}};
      if (trace_.expires != base::UnixTime::max()) said_.caller->expires = token::time_in_words(trace_.expires, now_);
      return add_rule("authentication", true,
                      said_.caller->authenticator + " says that the caller is " + token::in_quotes(decision_.subject));
    }
    if (!decision_.outcome) return add_rule("authentication", true, "nobody says who the caller is, which is optional");
    const auto sentence = sentence_for(decision_.reason);
    add_rule("authentication", false, sentence.empty() ? "the token is refused" : std::string(sentence));
  }

  void tell_own_site() {
    if (trace_.own_site) {
      add_rule("cross_site", *trace_.own_site, trace_.own_site_detail);
    } else if (said_.caller && !route().check_cross_site) {
      add_rule("cross_site", true, "switched off by csrf: none");
    }
  }

  void tell_inject() {
    using Result = policy::InjectStep::Result;
    for (const auto& step : trace_.inject) {
      if (step.result == Result::Unusable) {
        add_rule("inject", false, std::string(step.name) + " would hold a control character");
      }
    }
  }

  void forward() {
    const auto& upstream = config_.upstreams[decision_.route->upstream];
    const auto trace_id = proxy::find_trace_id(head_.fields);
    const proxy::ForwardingLines forwarding(peer_ip_, listener().address, peer_is_trusted_);
    std::string host_line;
    std::string added;
    const auto request = proxy::outgoing_head({.head = &head_,
                                               .facts = &facts_,
                                               .target = &target_,
                                               .decision = &decision_,
                                               .filter = &policy_.filter(),
                                               .forwarding = &forwarding,
                                               .upstream = &upstream,
                                               .request_id = request_id_.empty() ? kNew : request_id_,
                                               .traced = !trace_id.empty(),
                                               .new_trace_id = kNew,
                                               .new_span_id = kNew},
                                              host_line, added);
    http::GatherList list;
    if (!http::write_request_head(request, list)) return refuse(Reason::HeadTooLarge, nullptr);
    Forwarding told;
    told.upstream = upstream.name;
    for (const auto& server : upstream.servers) told.servers.push_back(server.url);
    for (const auto& field : head_.fields) {
      const auto removal = http::removal_of(field, request);
      if (removal == http::Removal::None) continue;
      const auto cause = cause_of(removal, policy_.filter().cause_of(field));
      told.removed.push_back({std::string(field.name), std::string(cause.word), std::string(cause.sentence)});
    }
    tell_injected(told);
    tell_head(list, told);
    said_.forwarding = std::move(told);
  }

  /// The lines of the decision but for what is left of the cookies.
  void tell_injected(Forwarding& told) const {
    for (auto& header : headers_of(decision_.lines)) {
      if (http::field_name_of(header.name) == http::FieldName::Cookie) continue;
      if (sounds_secret(header.name)) header.value = kRedacted;
      told.injected.push_back(std::move(header));
    }
  }

  void tell_head(const http::GatherList& list, Forwarding& told) const {
    std::string head;
    for (const auto& slice : list.slices()) head.append(static_cast<const char*>(slice.iov_base), slice.iov_len);
    bool is_first = true;
    for_each_line(head, [&](std::string_view line) {
      if (std::exchange(is_first, false)) {
        const auto path = line.substr(line.find(' ') + 1);
        told.path = path.substr(0, path.rfind(' '));
        return told.head.emplace_back(line), void();
      }
      told.head.push_back(redacted_line(line, config_));
      const auto colon = line.find(':');
      if (http::field_name_of(line.substr(0, colon)) != http::FieldName::Host) return;
      told.host = base::trim_blanks(line.substr(colon + 1));
    });
  }

  void refuse(Reason reason, const Decision* decision) {
    Refusal told;
    told.reason = reason;
    told.status = base::status_of(reason);
    const bool has_body = head_.known_method != http::Method::Head;
    if (has_body) told.body = R"({"error":")" + std::string(http::error_text(reason)) + R"("})";
    told.fields = headers_of(proxy::refusal_lines(reason, decision));
    said_.refusal = std::move(told);
  }

  const config::Config& config_;
  policy::Policy& policy_;
  const Query& query_;
  std::size_t listener_index_;
  base::UnixTime now_;
  std::span<const policy::GivenAnswer> answers_;
  Explanation said_;

  std::string peer_ip_;
  bool peer_is_trusted_ = false;
  std::string_view request_id_;  ///< of a trusted peer
  http::RequestHead head_;
  http::RequestFacts facts_;
  http::CanonicalTarget target_;
  std::string target_storage_;
  policy::Scratch scratch_;
  policy::Trace trace_;
  Decision decision_;
};

base::OrMessage<std::size_t> find_listener(const config::Config& config, const std::string& name) {
  if (name.empty()) return std::size_t{0};
  std::vector<std::string> names;
  for (const auto& listener : config.listeners) names.push_back(listener.name);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    return Message{"no listener is called " + token::in_quotes(name) + config::did_you_mean(name, names) +
                   "; there are " + joined(names)};
  }
  return static_cast<std::size_t>(found - names.begin());
}

base::OrMessage<void> check_client_ip(const std::string& text, const config::Listener& listener) {
  if (text.empty()) return {};
  if (listener.address.kind == config::Address::Kind::Unix) {
    return Message{"the listener " + listener.name + " is a unix socket, on which clients have no address"};
  }
  if (!base::IpAddress::parse(text)) return Message{"the client's address is no IP address"};
  return {};
}

}  // namespace

base::OrMessage<Explanation> explain(const config::Config& config, policy::Policy& policy, const Query& query,
                                     base::UnixTime now, std::span<const policy::GivenAnswer> answers) {
  const auto listener = find_listener(config, query.listener);
  if (!listener) return listener.error();
  if (const auto fine = check_client_ip(query.client_ip, config.listeners[*listener]); !fine) return fine.error();
  const auto head = request_head(query);
  if (!head) return head.error();
  std::vector<policy::GivenAnswer> known(answers.begin(), answers.end());
  while (true) {
    auto explanation = Walk(config, policy, query, *listener, now, known).take(*head);
    const auto& question = explanation.question;
    if (!question || !is_about_session(*question->service)) return explanation;
    // Only who sends the request may use up its refresh token.
    known.push_back({question->service.get(), question->key, std::make_shared<inquiry::Answer>()});
  }
}

}  // namespace sidegate::explain
