#include <sidegate/base/text.hpp>
#include <sidegate/http/framing.hpp>

#include <algorithm>

namespace sidegate::http {
namespace {

using base::Reason;
using base::Result;

/// The fields that frame a message and steer its connection, gathered in one pass.
struct Gathered {
  const Field* host = nullptr;
  const Field* content_length = nullptr;
  const Field* transfer_encoding = nullptr;
  unsigned hosts = 0;
  unsigned content_lengths = 0;
  unsigned transfer_encodings = 0;
  bool close = false;
  bool keep_alive = false;
  bool nominates = false;
  bool expects_continue = false;
  bool upgrade = false;          ///< an option of Connection
  bool names_websocket = false;  ///< among the protocols of Upgrade
  bool names_other_protocol = false;
  std::size_t connection_bytes = 0;
};

/// More than any honest list of options. Each field is compared with the list, so an endless one would be costly.
constexpr std::size_t kConnectionBytesMax = 1024;

void read_connection(std::string_view value, Gathered& gathered) noexcept {
  gathered.connection_bytes += value.size();
  if (gathered.connection_bytes > kConnectionBytesMax) return;
  base::for_each_list_item(value, [&](std::string_view option) {
    if (base::equals_ignoring_case(option, "close")) {
      gathered.close = true;
    } else if (base::equals_ignoring_case(option, "keep-alive")) {
      gathered.keep_alive = true;
    } else if (base::equals_ignoring_case(option, "upgrade")) {
      gathered.upgrade = true;
    } else {
      gathered.nominates = true;
    }
  });
}

void read_upgrade(std::string_view value, Gathered& gathered) noexcept {
  base::for_each_list_item(value, [&](std::string_view protocol) {
    const bool is_websocket = base::equals_ignoring_case(protocol, "websocket");
    gathered.names_websocket = gathered.names_websocket || is_websocket;
    gathered.names_other_protocol = gathered.names_other_protocol || !is_websocket;
  });
}

Gathered gather(const std::vector<Field>& fields) noexcept {
  Gathered gathered;
  for (const Field& field : fields) {
    switch (field.known) {
      case FieldName::Host:
        gathered.host = &field;
        ++gathered.hosts;
        break;
      case FieldName::ContentLength:
        gathered.content_length = &field;
        ++gathered.content_lengths;
        break;
      case FieldName::TransferEncoding:
        gathered.transfer_encoding = &field;
        ++gathered.transfer_encodings;
        break;
      case FieldName::Connection:
        read_connection(field.value, gathered);
        break;
      case FieldName::Upgrade:
        read_upgrade(field.value, gathered);
        break;
      case FieldName::Expect:
        gathered.expects_continue =
            gathered.expects_continue || base::equals_ignoring_case(field.value, "100-continue");
        break;
      default:
        break;
    }
  }
  return gathered;
}

/// RFC 9112 section 6: what the two framing fields say together. A message that leaves any room for doubt is refused,
/// though the RFC would let a recipient mend some of them: request smuggling lives on mending.
Result<Framing> declared_framing(const Gathered& gathered, Version version) noexcept {
  if (gathered.transfer_encodings > 0) {
    if (gathered.content_lengths > 0) return Reason::ConflictingFraming;      // section 6.3, item 3
    if (version == Version::Http10) return Reason::BadTransferEncoding;       // section 6.1
    if (gathered.transfer_encodings > 1) return Reason::BadTransferEncoding;  // section 6.3, item 4
    if (!base::equals_ignoring_case(gathered.transfer_encoding->value, "chunked")) return Reason::BadTransferEncoding;
    return Framing{Framing::Kind::Chunked, 0};
  }
  if (gathered.content_lengths > 1) return Reason::SeveralContentLengths;  // section 6.3, item 5
  if (gathered.content_lengths == 1) {
    const auto length = base::parse_decimal(gathered.content_length->value);  // RFC 9110 section 8.6
    if (!length) return Reason::BadContentLength;
    return Framing{*length == 0 ? Framing::Kind::None : Framing::Kind::Length, *length};
  }
  return Framing{};
}

bool persists(const Gathered& gathered, Version version) noexcept {
  if (gathered.close) return false;
  return version == Version::Http11 || gathered.keep_alive;
}

bool is_ipv6_literal(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 45 &&
         std::all_of(text.begin(), text.end(), [](char c) { return base::hex_value(c) >= 0 || c == ':' || c == '.'; });
}

}  // namespace

Result<RequestFacts> check_request(const RequestHead& head) noexcept {
  const Gathered gathered = gather(head.fields);
  if (gathered.connection_bytes > kConnectionBytesMax) return Reason::HeadTooLarge;
  if (head.known_method == Method::Connect) return Reason::ConnectMethod;
  if (gathered.hosts > 1) return Reason::SeveralHosts;                                           // section 3.2
  if (gathered.hosts == 0 && head.version == Version::Http11) return Reason::MissingHost;        // section 3.2
  if (gathered.host != nullptr && !is_valid_host(gathered.host->value)) return Reason::BadHost;  // section 3.2
  const auto framing = declared_framing(gathered, head.version);
  if (!framing) return framing.error();
  RequestFacts facts;
  facts.framing = *framing;
  facts.has_host = gathered.host != nullptr;
  facts.host = gathered.host != nullptr ? gathered.host->value : std::string_view{};
  facts.keep_alive = persists(gathered, head.version);
  // RFC 9110 section 10.1.1: an expectation in HTTP/1.0 is ignored.
  facts.expects_continue = gathered.expects_continue && head.version == Version::Http11;
  facts.nominates = gathered.nominates;
  facts.asks_for_websocket = gathered.upgrade && gathered.names_websocket && head.known_method == Method::Get &&
                             head.version == Version::Http11;
  // Bytes behind such a head would be a body to one reader and the new protocol to another.
  if (facts.asks_for_websocket && framing->kind != Framing::Kind::None) return Reason::BadUpgrade;
  return facts;
}

Result<ResponseFacts> check_response(const ResponseHead& head, Method method) noexcept {
  const Gathered gathered = gather(head.fields);
  if (gathered.connection_bytes > kConnectionBytesMax) return Reason::HeadTooLarge;
  const auto declared = declared_framing(gathered, head.version);
  if (!declared) return declared.error();
  ResponseFacts facts;
  facts.keep_alive = persists(gathered, head.version);
  facts.nominates = gathered.nominates;
  if (head.status == 101) {
    // RFC 9110 sections 7.8 and 8.6: it says what to switch to, and has no content. No other request follows.
    facts.keep_alive = false;
    facts.switches_to_websocket = gathered.upgrade && gathered.names_websocket && !gathered.names_other_protocol &&
                                  gathered.transfer_encodings == 0 && gathered.content_lengths == 0;
    return facts;
  }
  // RFC 9112 section 6.3, items 1 and 2: these have no body, whatever their fields say.
  const bool bodiless = method == Method::Head || head.status < 200 || head.status == 204 || head.status == 304;
  if (bodiless) return facts;
  facts.framing = *declared;
  if (gathered.transfer_encodings == 0 && gathered.content_lengths == 0) {
    facts.framing.kind = Framing::Kind::UntilClose;  // item 8
    facts.keep_alive = false;
  }
  return facts;
}

bool is_nominated(const std::vector<Field>& fields, std::string_view name) noexcept {
  bool found = false;
  for (const Field& field : fields) {
    if (field.known != FieldName::Connection) continue;
    base::for_each_list_item(field.value,
                             [&](std::string_view item) { found = found || base::equals_ignoring_case(item, name); });
  }
  return found;
}

bool is_valid_host(std::string_view text) noexcept {
  std::string_view port;
  if (text.starts_with('[')) {
    const auto bracket = text.find(']');
    if (bracket == std::string_view::npos || !is_ipv6_literal(text.substr(1, bracket - 1))) return false;
    port = text.substr(bracket + 1);
  } else {
    const auto colon = text.find(':');
    const auto name = text.substr(0, colon);
    const auto fine = [](char c) { return base::is_alpha(c) || base::is_digit(c) || c == '-' || c == '.' || c == '_'; };
    if (name.empty() || !std::all_of(name.begin(), name.end(), fine)) return false;
    if (colon != std::string_view::npos) port = text.substr(colon);
  }
  if (port.empty()) return true;
  return port.front() == ':' && (port.size() == 1 || base::parse_port(port.substr(1)));
}

}  // namespace sidegate::http
