#pragma once

#include <sidegate/http/framing.hpp>
#include <sidegate/http/gather_list.hpp>
#include <sidegate/http/message_writer.hpp>

#include <set>
#include <string>
#include <vector>

#include "head_reading.hpp"
#include "property.hpp"

namespace sidegate::fuzz {

/// An origin's head that was accepted, written for the client and read there, says the same.
inline Defect answered_is_the_same(const http::ResponseHead& head, http::Method method) {
  const auto facts = http::check_response(head, method);
  if (!facts) return {};
  using Kind = http::Framing::Kind;
  const bool chunked = facts->framing.kind == Kind::Chunked || facts->framing.kind == Kind::UntilClose;
  http::GatherList list;
  const std::string_view added = "Connection: close\r\n";
  if (!http::write_response_head({.head = &head, .facts = &*facts, .added = added, .chunked = chunked}, list)) {
    return "the head does not fit the list";
  }
  const std::string bytes = joined(list);
  const ResponseReading again(bytes,
                              base::Limits{.head_bytes_max = bytes.size(), .fields_max = kLimits.fields_max + 2});
  if (!again.whole() || again.end() != bytes.size()) return "what was written cannot be read: " + again.text();
  if (again.head().status != head.status) return "the status changed";
  if (again.head().version != http::Version::Http11) return "it is not HTTP/1.1";
  static const std::set<std::string> connection_names{
      "connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "upgrade", "x-request-id"};
  std::vector<http::Field> expected;
  for (const http::Field& field : head.fields) {
    if (connection_names.contains(base::lower_case(field.name))) continue;
    if (field.known == http::FieldName::ContentLength) {
      // RFC 9110 section 8.6: interim answers and 204 have none.
      if (head.status >= 200 && head.status != 204) expected.push_back(field);
    } else if (!http::is_nominated(head.fields, field.name)) {
      expected.push_back(field);
    }
  }
  if (chunked) expected.push_back({.name = "Transfer-Encoding", .value = "chunked", .line = {}, .known = {}});
  expected.push_back({.name = "Connection", .value = "close", .line = {}, .known = {}});
  if (list_fields(again.head().fields) != list_fields(expected)) {
    return differ("the fields changed", list_fields(again.head().fields), list_fields(expected));
  }
  const auto facts_again = http::check_response(again.head(), method);
  if (!facts_again) return "what was written is refused: " + std::string(base::name_of(facts_again.error()));
  if (facts_again->keep_alive) return "the added Connection is not heard";
  const Kind expected_kind = chunked ? Kind::Chunked : facts->framing.kind;
  const bool same = facts_again->framing.kind == expected_kind && facts_again->framing.length == facts->framing.length;
  return same ? Defect{} : "the framing changed";
}

/// A response's head is read in the same way however its bytes are split, and passes unchanged what is to pass.
inline Defect response_head(std::string_view input) {
  const ResponseReading whole(input);
  for (const Splits& splits : ways_to_split(input)) {
    const ResponseReading split(input, splits);
    if (!agree(whole, split)) return differ("a split changes it", whole.text(), split.text());
  }
  if (!whole.whole()) return {};
  for (const http::Method method : {http::Method::Get, http::Method::Head}) {
    if (auto defect = answered_is_the_same(whole.head(), method); !defect.empty()) return defect;
  }
  return {};
}

}  // namespace sidegate::fuzz
