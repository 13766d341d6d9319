#pragma once

#include <sidegate/base/reason.hpp>
#include <sidegate/inquiry/question.hpp>

#include <optional>
#include <string>
#include <vector>

namespace sidegate::explain {

/// Something that was checked, or was not because an earlier check had failed.
struct Step {
  enum class Outcome { Passed, Failed, NotMade };
  std::string name;
  Outcome outcome = Outcome::NotMade;
  std::string detail;
};

/// A route of the listener that was looked at.
struct RouteLine {
  std::string name;
  bool matches = false;
  std::string detail;  ///< why it does not
};

/// A place where a credential may stand, and whether one does. Never the credential.
struct PlaceLine {
  std::string authenticator;
  std::string place;  ///< `cookie access_token`
  std::string found;  ///< `nothing`, `credential` or `unreadable`
  bool decides = false;
  std::string detail;
};

/// Who the caller is.
struct Caller {
  std::string authenticator;
  std::string subject;
  std::string expires;  ///< empty: never
};

struct Header {
  std::string name;
  std::string value;
};

/// One of the caller's headers that goes no further.
struct RemovedHeader {
  std::string name;
  std::string cause;  ///< a word: `identity`, `connection`, `forwarding`, …
  std::string detail;
};

/// What would be forwarded, and to whom.
struct Forwarding {
  std::string upstream;
  std::vector<std::string> servers;
  std::string path;  ///< with the query
  std::string host;
  std::vector<RemovedHeader> removed;
  std::vector<Header> injected;
  std::vector<std::string>
      head;  ///< as the origin gets it, line by line; credentials redacted, ids that would be made new
};

/// What the caller would be answered.
struct Refusal {
  base::Reason reason{};
  unsigned status = 0;
  std::string body;
  std::vector<Header> fields;  ///< beside those that every answer has
};

/// What would happen to a request, step by step. It holds no credential and no key, whole or in part, so it may be
/// shown.
struct Explanation {
  std::string method;  ///< this, host and path are empty for a request that cannot be read
  std::string host;
  std::string path;
  std::string listener;
  std::string client_ip;
  std::vector<Step> request;      ///< how it was read
  std::vector<RouteLine> routes;  ///< up to the one that matched
  std::string route;              ///< its name; empty: none matched
  std::vector<PlaceLine> places;
  std::vector<Step> token;
  std::optional<Caller> caller;
  std::vector<Step> rules;  ///< what the route asks of the request
  std::optional<Forwarding> forwarding;
  std::optional<Refusal> refusal;  ///< there where `forwarding` is not

  /// What a service would have to be asked for more to be said; never shown.
  std::optional<inquiry::Question> question;

  bool forwarded() const noexcept { return forwarding.has_value(); }
};

/// For people.
std::string to_text(const Explanation& explanation);

/// For programs: one JSON object on one line.
std::string to_json(const Explanation& explanation);

}  // namespace sidegate::explain
