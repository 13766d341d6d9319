#include <sidegate/base/text.hpp>
#include <sidegate/http/message_writer.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace sidegate::http {
namespace {

constexpr std::string_view kChunkedLine = "Transfer-Encoding: chunked\r\n";

/// A name that `Connection` may not remove: the message would be read differently, or an origin left without what it
/// was decided on.
bool is_protected(FieldName name) noexcept {
  return name == FieldName::Host || name == FieldName::ContentLength || name == FieldName::Cookie ||
         name == FieldName::Authorization;
}

/// Whether the field says who may keep an answer: to all caches (RFC 9111 section 5.2), or to those of one kind, for
/// whom that counts more (RFC 9213 section 2.1, and what there was before it).
bool is_cache_control(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"cache-control", "surrogate-control", "edge-control",
                                                   "x-accel-expires"};
  constexpr std::string_view kTargeted = "-cache-control";
  const auto is = [name](std::string_view other) { return base::equals_ignoring_case(name, other); };
  return std::any_of(kNames.begin(), kNames.end(), is) ||
         (name.size() > kTargeted.size() &&
          base::equals_ignoring_case(name.substr(name.size() - kTargeted.size()), kTargeted));
}

bool passes(const Field& field, const ForwardedResponse& response) noexcept {
  switch (field.known) {
    case FieldName::Connection:
    case FieldName::KeepAlive:
    case FieldName::ProxyConnection:
    case FieldName::TransferEncoding:
    case FieldName::Te:
    case FieldName::Upgrade:
    case FieldName::XRequestId:
      return false;
    case FieldName::ContentLength:
      // RFC 9110 section 8.6: these have none.
      return response.head->status >= 200 && response.head->status != 204;
    default:
      if (response.replaces_cache_control && is_cache_control(field.name)) return false;
      return !response.facts->nominates || !is_nominated(response.head->fields, field.name);
  }
}

}  // namespace

Removal removal_of(const Field& field, const ForwardedRequest& request) noexcept {
  switch (field.known) {
    case FieldName::Host:
      return request.host_line.empty() ? Removal::None : Removal::Replaced;
    case FieldName::ContentLength: {
      const bool frames = request.facts->framing.kind == Framing::Kind::Length || field.value == "0";
      return frames ? Removal::None : Removal::Replaced;
    }
    case FieldName::Authorization:
      if (!request.forward_authorization) return Removal::Credential;
      break;
    case FieldName::Cookie:
      if (!request.forward_cookie) return Removal::Credential;
      break;
    case FieldName::Traceparent:
    case FieldName::Tracestate:
      if (!request.forward_trace) return Removal::Replaced;
      break;
    case FieldName::Expect:
      if (!request.facts->expects_continue) return Removal::Expectation;
      break;
    default:
      break;
  }
  if (request.filter->drops(field)) return Removal::Filter;
  const bool nominated =
      request.facts->nominates && !is_protected(field.known) && is_nominated(request.head->fields, field.name);
  return nominated ? Removal::Nominated : Removal::None;
}

bool write_request_head(const ForwardedRequest& request, GatherList& out) noexcept {
  const RequestHead& head = *request.head;
  const CanonicalTarget& target = *request.target;
  bool whole = true;
  // RFC 9112 section 3.2.2: absolute form is for proxies; the origin gets origin form.
  if (target.rewritten || !request.path.empty() || head.version == Version::Http10) {
    const auto path = request.path.empty() ? target.path : request.path;
    whole = out.append(head.method) && out.append_copy(" ") && out.append(path) && out.append(target.query) &&
            out.append_copy(" HTTP/1.1\r\n");
  } else {
    const auto line_end = static_cast<std::size_t>(head.target.data() + head.target.size() - head.bytes.data()) +
                          std::string_view(" HTTP/1.1\r\n").size();
    whole = out.append(head.bytes.substr(0, line_end));
  }
  whole = whole && out.append(request.host_line);
  for (const Field& field : head.fields) {
    if (removal_of(field, request) == Removal::None) whole = whole && out.append(field.line);
  }
  if (request.facts->framing.kind == Framing::Kind::Chunked) whole = whole && out.append(kChunkedLine);
  return whole && out.append(request.added) && out.append(request.also_added) && out.append("\r\n");
}

bool write_response_head(const ForwardedResponse& response, GatherList& out) noexcept {
  const ResponseHead& head = *response.head;
  const auto line = head.bytes.substr(0, head.bytes.find('\n') + 1);
  const auto status_end = std::string_view("HTTP/1.1 200").size();
  // RFC 9112 section 4: the space after the status is sent even where the origin left it out with the phrase.
  const bool has_space = line[status_end] == ' ';
  bool whole = true;
  if (head.version == Version::Http11 && has_space) {
    whole = out.append(line);
  } else {
    // The origin's version says nothing about ours (RFC 9110 section 2.5).
    whole = out.append("HTTP/1.1") && out.append(line.substr(8, status_end - 8)) &&
            out.append(has_space ? line.substr(status_end) : std::string_view(" \r\n"));
  }
  for (const Field& field : head.fields) {
    if (passes(field, response)) whole = whole && out.append(field.line);
  }
  if (response.chunked) whole = whole && out.append(kChunkedLine);
  return whole && out.append(response.added) && out.append("\r\n");
}

bool may_be_trailer(const Field& field) noexcept {
  return field.known == FieldName::Other;
}

bool write_chunk(std::string_view data, GatherList& out) noexcept {
  std::array<char, kChunkCopiedBytes> line{};
  auto* end = std::to_chars(line.data(), line.data() + 16, data.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return out.append_copy({line.data(), static_cast<std::size_t>(end - line.data())}) && out.append(data) &&
         out.append("\r\n");
}

}  // namespace sidegate::http
