#include "words.hpp"

namespace sidegate::explain {
namespace {

using base::Reason;

std::string wanted(std::string_view what, const std::vector<config::Located<std::string>>& values) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (const auto& value : values) texts.push_back(value.value);
  return "its " + std::string(what) + (texts.size() == 1 ? " is " : "s are ") + joined(texts);
}

}  // namespace

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return text;
}

std::string_view sentence_for(Reason reason) noexcept {
  switch (reason) {
    case Reason::BadRequestLine:
      return "the first line is not METHOD, target and version with one space between them";
    case Reason::BadMethod:
      return "the method is no token, or longer than 64 bytes";
    case Reason::ConnectMethod:
      return "CONNECT is never forwarded";
    case Reason::UnsupportedVersion:
      return "the version is neither HTTP/1.0 nor HTTP/1.1";
    case Reason::BareLineFeed:
      return "a line holds a line feed without a carriage return before it";
    case Reason::BareCarriageReturn:
      return "a line holds a carriage return without a line feed behind it";
    case Reason::ObsoleteFolding:
      return "a line begins with a blank, and so would go on with the one before it";
    case Reason::BadFieldName:
      return "the name of a header is empty, or holds what no name may";
    case Reason::SpaceAroundFieldName:
      return "there is a blank between the name of a header and its colon";
    case Reason::ControlCharacter:
      return "a line holds a control character";
    case Reason::MissingHost:
      return "there is no Host";
    case Reason::SeveralHosts:
      return "there is more than one Host";
    case Reason::BadHost:
      return "the value of Host is no host";
    case Reason::BadContentLength:
      return "Content-Length is not plain digits";
    case Reason::SeveralContentLengths:
      return "there is more than one Content-Length";
    case Reason::BadTransferEncoding:
      return "Transfer-Encoding is not exactly chunked, or stands there twice";
    case Reason::ConflictingFraming:
      return "Content-Length and Transfer-Encoding both say where the body ends";
    case Reason::BadUpgrade:
      return "a request for WebSocket has a body";
    case Reason::BadTarget:
      return "the target begins with no \"/\", or holds a character that may not stand there";
    case Reason::TargetAuthorityMismatch:
      return "the host of the target is not that of Host";
    case Reason::BadPercentEncoding:
      return "a \"%\" in the path is not followed by two hexadecimal digits";
    case Reason::EncodedControl:
      return "the path holds an encoded control character";
    case Reason::EncodedSlash:
      return "the path holds an encoded slash or backslash (encoded_slash: keep lets slashes pass)";
    case Reason::PathParameters:
      return "the path holds a \";\" (path_parameters: keep lets it pass)";
    case Reason::ClimbsAboveRoot:
      return "the path climbs above its root with \"..\"";
    case Reason::HiddenDotSegment:
      return "the path hides a \"..\" or \".\" behind an encoded slash or before a \";\"";
    case Reason::TargetTooLong:
      return "the target is longer than limits.target";
    case Reason::HeadTooLarge:
      return "the head is longer than limits.head, or has more pieces than are forwarded";
    case Reason::TooManyFields:
      return "there are more headers than limits.headers";
    case Reason::BodyTooLarge:
      return "the body is longer than max_body of the route";
    case Reason::SeveralAuthorizations:
      return "there is more than one Authorization";
    case Reason::AmbiguousCookie:
      return "the cookie stands there twice with different values, or beside one that a server may take for it";
    case Reason::QuotedCookie:
      return "the value of the cookie is quoted";
    case Reason::NoRoute:
      return "no route has this host and path";
    case Reason::MethodNotAllowed:
      return "no route that has this host and path has the method";
    case Reason::Missing:
      return "no place holds a credential";
    default:
      return {};
  }
}

std::string why_not(policy::Mismatch mismatch, const config::Route& route) {
  switch (mismatch) {
    case policy::Mismatch::Path:
      return wanted("path", route.paths);
    case policy::Mismatch::Host:
      return wanted("host", route.hosts);
    case policy::Mismatch::Method:
      return wanted("method", route.methods);
    case policy::Mismatch::None:
      break;
  }
  return {};
}

std::string name_of(const config::TokenSource& source) {
  return (source.kind == config::TokenSource::Kind::Cookie ? "cookie " : "bearer ") + source.name;
}

Cause cause_of(http::Removal removal, http::HeaderFilter::Cause filter) noexcept {
  using FilterCause = http::HeaderFilter::Cause;
  switch (removal) {
    case http::Removal::None:
      return {};
    case http::Removal::Nominated:
      return {"connection", "Connection names it"};
    case http::Removal::Credential:
      return {"credential", "a place of credentials that the application is not to see"};
    case http::Removal::Expectation:
      return {"connection", "an expectation other than 100-continue"};
    case http::Removal::Replaced:
      return {"replaced", "said anew"};
    case http::Removal::Filter:
      break;
  }
  switch (filter) {
    case FilterCause::None:
      return {};
    case FilterCause::OddName:
      return {"odd_name", "some servers take the name for another one: it has more than letters, digits and \"-\""};
    case FilterCause::Connection:
      return {"connection", "it speaks of this connection only"};
    case FilterCause::Forwarding:
      return {"forwarding", "what a caller may not say about itself"};
    case FilterCause::Configured:
      return {"identity", "injected on some route, or named by strip"};
  }
  return {};
}

}  // namespace sidegate::explain
