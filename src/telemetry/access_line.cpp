#include "line.hpp"

#include <sidegate/telemetry/access_log.hpp>

namespace sidegate::telemetry {
namespace {

using base::Reason;

constexpr unsigned kFirstServerError = 500;

bool is_of_origin(Reason reason) noexcept {
  return reason == Reason::OriginUnreachable || reason == Reason::OriginBroken || reason == Reason::OriginTimeout ||
         reason == Reason::OriginExhausted;
}

/// Whether Sidegate said no. Not so where the client left, or where the origin failed after its answer had begun: the
/// status is then the origin's.
bool is_refusal(const AccessRecord& record) noexcept {
  if (!record.reason || *record.reason == Reason::ClientGone) return false;
  return !is_of_origin(*record.reason) || record.status == base::status_of(*record.reason);
}

std::string_view level_of(const AccessRecord& record) noexcept {
  return is_refusal(record) && record.status >= kFirstServerError ? "warning" : "info";
}

/// The credential was there and was not good: what `auth_reason` is for.
bool is_credential_refused(const AccessRecord& record) noexcept {
  return record.auth_outcome && *record.auth_outcome != Reason::Accepted && *record.auth_outcome != Reason::Missing;
}

/// `opening` is what stands before the value: `,"name":"`. One constant for each member, since there are many.
void append_text(std::string& out, std::string_view opening, std::string_view value) {
  out += opening;
  append_escaped(out, value);
  out += '"';
}

void append_present_text(std::string& out, std::string_view opening, std::string_view value) {
  if (!value.empty()) append_text(out, opening, value);
}

void append_count(std::string& out, std::string_view opening, std::uint64_t number) {
  out += opening;
  append_number(out, number);
}

void append_duration(std::string& out, std::string_view opening, std::chrono::microseconds duration) {
  out += opening;
  append_milliseconds(out, duration);
}

void append_pair(std::string& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  out += ' ';
  out += key;
  out += '=';
  append_word(out, value);
}

}  // namespace

void append_json_line(std::string& out, const AccessRecord& record, bool with_query) {
  out += R"({"time":")";
  append_timestamp(out, record.time);
  append_text(out, R"(","level":")", level_of(record));
  out += R"(,"msg":"request")";
  append_present_text(out, R"(,"request_id":")", record.request_id);
  append_present_text(out, R"(,"trace_id":")", record.trace_id);
  append_present_text(out, R"(,"route":")", record.route);
  append_present_text(out, R"(,"method":")", record.method);
  append_present_text(out, R"(,"path":")", record.path);
  if (with_query) append_present_text(out, R"(,"query":")", record.query);
  append_count(out, R"(,"status":)", record.status);
  append_duration(out, R"(,"duration_ms":)", record.duration);
  append_present_text(out, R"(,"upstream":")", record.upstream);
  append_present_text(out, R"(,"server":")", record.server);
  if (record.upstream_duration) append_duration(out, R"(,"upstream_ms":)", *record.upstream_duration);
  append_count(out, R"(,"bytes_in":)", record.bytes_in);
  append_count(out, R"(,"bytes_out":)", record.bytes_out);
  append_present_text(out, R"(,"client_ip":")", record.client_ip);
  append_present_text(out, R"(,"subject":")", record.subject);
  append_present_text(out, R"(,"authenticator":")", record.authenticator);
  if (record.auth_outcome) append_text(out, R"(,"auth_outcome":")", base::name_of(*record.auth_outcome));
  if (is_credential_refused(record)) {
    append_text(out, R"(,"auth_reason":")", base::name_of(record.reason.value_or(*record.auth_outcome)));
  }
  if (record.cache) append_text(out, R"(,"cache":")", base::name_of(*record.cache));
  if (is_refusal(record)) out += R"(,"audit":true)";
  if (record.reason) append_text(out, R"(,"reason":")", base::name_of(*record.reason));
  out += "}\n";
}

void append_text_line(std::string& out, const AccessRecord& record, bool with_query) {
  append_timestamp(out, record.time);
  out += ' ';
  append_number(out, record.status);
  out += ' ';
  append_word(out, record.method.empty() ? "-" : record.method);
  out += ' ';
  append_word(out, record.path.empty() ? "-" : record.path);
  out += ' ';
  append_milliseconds(out, record.duration);
  out += "ms";
  if (with_query) append_pair(out, "query", record.query);
  append_pair(out, "client", record.client_ip);
  append_pair(out, "subject", record.subject);
  append_pair(out, "by", record.authenticator);
  if (record.auth_outcome) append_pair(out, "auth", base::name_of(*record.auth_outcome));
  if (record.cache) append_pair(out, "cache", base::name_of(*record.cache));
  append_pair(out, "route", record.route);
  append_pair(out, "upstream", record.upstream);
  append_pair(out, "server", record.server);
  if (record.upstream_duration) {
    out += " upstream_time=";
    append_milliseconds(out, *record.upstream_duration);
    out += "ms";
  }
  out += " in=";
  append_number(out, record.bytes_in);
  out += " out=";
  append_number(out, record.bytes_out);
  append_pair(out, "id", record.request_id);
  append_pair(out, "trace", record.trace_id);
  if (record.reason) append_pair(out, is_refusal(record) ? "refused" : "ended", base::name_of(*record.reason));
  out += '\n';
}

}  // namespace sidegate::telemetry
