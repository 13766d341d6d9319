#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// The small pieces that log lines are made of. All append to `out`, and whatever the texts hold, no line feed, control
/// character or invalid UTF-8 reaches it.
namespace sidegate::telemetry {

using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// RFC 3339 in UTC with microseconds: `2026-01-31T23:59:59.000001Z`. For years 0 to 9999.
void append_timestamp(std::string& out, Timestamp time);

void append_number(std::string& out, std::uint64_t number);

/// Milliseconds with three decimals; a negative duration counts as none.
void append_milliseconds(std::string& out, std::chrono::microseconds duration);

/// `"key":"value",`: a member of a JSON object and the comma after it.
void append_member(std::string& out, std::string_view key, std::string_view value);

/// For people: as it is where it is one word, otherwise as a JSON string.
void append_word(std::string& out, std::string_view text);

/// As it stands in a JSON string, and, for people, in a sentence: what cannot stand in a line is escaped.
void append_escaped(std::string& out, std::string_view text);

}  // namespace sidegate::telemetry
