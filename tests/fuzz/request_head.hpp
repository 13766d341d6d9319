#pragma once

#include <sidegate/http/framing.hpp>
#include <sidegate/http/gather_list.hpp>
#include <sidegate/http/header_filter.hpp>
#include <sidegate/http/message_writer.hpp>
#include <sidegate/http/target.hpp>

#include <string>
#include <vector>

#include "head_reading.hpp"
#include "property.hpp"

namespace sidegate::fuzz {

/// The fields that an origin is to get, worked out one by one from the rules rather than in the writer's one pass.
inline std::vector<http::Field> fields_to_forward(const http::RequestHead& head, const http::RequestFacts& facts,
                                                  const http::HeaderFilter& filter) {
  using http::FieldName;
  std::vector<http::Field> fields;
  for (const http::Field& field : head.fields) {
    const FieldName name = field.known;
    if (filter.drops(field)) continue;
    if (name == FieldName::Expect && !facts.expects_continue) continue;
    const bool protected_name = name == FieldName::Host || name == FieldName::ContentLength ||
                                name == FieldName::Cookie || name == FieldName::Authorization;
    if (!protected_name && http::is_nominated(head.fields, field.name)) continue;
    // Length 0 in other words ("00") says no more than no length at all.
    if (name == FieldName::ContentLength && facts.framing.length == 0 && field.value != "0") continue;
    fields.push_back(field);
  }
  if (facts.framing.kind == http::Framing::Kind::Chunked) {
    fields.push_back({.name = "Transfer-Encoding", .value = "chunked", .line = {}, .known = {}});
  }
  return fields;
}

/// A head that was accepted, written for an origin and read there, says the same.
inline Defect forwarded_is_the_same(const http::RequestHead& head, const http::RequestFacts& facts) {
  static const http::HeaderFilter filter;
  std::string storage;
  const bool is_options = head.known_method == http::Method::Options;
  const auto target = http::canonicalise(head.target, is_options, storage);
  if (!target) return {};
  const std::string_view added = facts.host.empty() ? "Host: origin\r\n" : "";
  http::GatherList list;
  if (!http::write_request_head({.head = &head,
                                 .facts = &facts,
                                 .target = &*target,
                                 .filter = &filter,
                                 .forward_authorization = true,
                                 .forward_cookie = true,
                                 .forward_trace = true,
                                 .added = added,
                                 .also_added = {}},
                                list)) {
    return "the head does not fit the list";
  }
  const std::string bytes = joined(list);
  if (bytes.size() != list.bytes()) return "the list miscounts its bytes";
  const RequestReading again(bytes, base::Limits{.head_bytes_max = bytes.size(), .fields_max = kLimits.fields_max + 2});
  if (!again.whole() || again.end() != bytes.size()) return "what was written cannot be read: " + again.text();
  auto expected = fields_to_forward(head, facts, filter);
  if (!added.empty()) expected.push_back({.name = "Host", .value = "origin", .line = {}, .known = {}});
  if (list_fields(again.head().fields) != list_fields(expected)) {
    return differ("the fields changed", list_fields(again.head().fields), list_fields(expected));
  }
  const std::string expected_target = std::string(target->path) + std::string(target->query);
  if (again.head().target != expected_target) return differ("the target changed", again.head().target, expected_target);
  if (again.head().method != head.method) return differ("the method changed", again.head().method, head.method);
  if (again.head().version != http::Version::Http11) return "it is not HTTP/1.1";
  const auto facts_again = http::check_request(again.head());
  if (!facts_again) return "what was written is refused: " + std::string(base::name_of(facts_again.error()));
  const bool same_framing =
      facts_again->framing.kind == facts.framing.kind && facts_again->framing.length == facts.framing.length;
  return same_framing ? Defect{} : "the framing changed";
}

/// A request's head is read in the same way however its bytes are split, and passes unchanged what is to pass.
inline Defect request_head(std::string_view input) {
  const RequestReading whole(input);
  for (const Splits& splits : ways_to_split(input)) {
    const RequestReading split(input, splits);
    if (!agree(whole, split)) return differ("a split changes it", whole.text(), split.text());
  }
  if (!whole.whole()) return {};
  const auto facts = http::check_request(whole.head());
  return facts ? forwarded_is_the_same(whole.head(), *facts) : Defect{};
}

}  // namespace sidegate::fuzz
