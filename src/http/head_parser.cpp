#include <sidegate/base/text.hpp>
#include <sidegate/http/head_parser.hpp>

#include <algorithm>

#include "line_scanner.hpp"

namespace sidegate::http {
namespace {

using base::Reason;
using base::Result;

/// Longer than any registered method; a caller that sends more before the first space speaks something else.
constexpr std::size_t kMethodBytesMax = 64;

Result<Version> parse_version(std::string_view text) noexcept {
  if (text == "HTTP/1.1") return Version::Http11;
  if (text == "HTTP/1.0") return Version::Http10;
  const bool well_formed = text.size() == 8 && text.starts_with("HTTP/") && base::is_digit(text[5]) && text[6] == '.' &&
                           base::is_digit(text[7]);
  return well_formed ? Reason::UnsupportedVersion : Reason::BadRequestLine;
}

/// What can be said of a request line that is not whole yet, so that an endless one is not waited for.
Result<bool> check_partial_request_line(std::string_view text, const base::Limits& limits) noexcept {
  const auto method_end = std::min(text.find(' '), text.size());
  if (method_end > kMethodBytesMax) return Reason::BadMethod;
  const auto target_begin = std::min(method_end + 1, text.size());
  if (text.size() - target_begin > limits.target_bytes_max + std::string_view(" HTTP/1.1\r").size()) {
    return Reason::TargetTooLong;
  }
  return false;
}

Result<void> parse_request_line(std::string_view line, const base::Limits& limits, RequestHead& head) noexcept {
  const auto first = line.find(' ');
  if (first == std::string_view::npos) return Reason::BadRequestLine;
  head.method = line.substr(0, first);
  if (!base::is_token(head.method) || head.method.size() > kMethodBytesMax) return Reason::BadMethod;
  head.known_method = method_of(head.method);
  const auto rest = line.substr(first + 1);
  const auto second = rest.find(' ');
  if (second == std::string_view::npos || second == 0) return Reason::BadRequestLine;
  head.target = rest.substr(0, second);
  if (head.target.size() > limits.target_bytes_max) return Reason::TargetTooLong;
  const auto version = parse_version(rest.substr(second + 1));
  if (!version) return version.error();
  head.version = *version;
  return {};
}

Result<void> parse_status_line(std::string_view line, ResponseHead& head) noexcept {
  // RFC 9112 section 4: the phrase may be empty, and real servers leave its space out with it.
  if (line.size() < 12 || line[8] != ' ') return Reason::OriginBroken;
  const auto version = parse_version(line.substr(0, 8));
  const auto status = base::parse_decimal(line.substr(9, 3));
  if (!version || !status || *status < 100) return Reason::OriginBroken;
  if (line.size() > 12 && line[12] != ' ') return Reason::OriginBroken;
  head.version = *version;
  head.status = static_cast<unsigned>(*status);
  head.reason_phrase = line.size() > 13 ? line.substr(13) : std::string_view{};
  return {};
}

/// What both kinds of head have in common: a start line, field lines, an empty line, and their limits.
template <class Head, class StartLine, class PartialStartLine>
Result<bool> parse_head(std::string_view bytes, Head& head, HeadProgress& progress, const base::Limits& limits,
                        StartLine start_line, PartialStartLine partial) {
  LineScanner scanner;
  scanner.resume(progress.line_begin, progress.scanned);
  while (true) {
    const auto begin = scanner.position();
    const auto line = scanner.next(bytes);
    if (!line) return line.error();
    if (line->data() == nullptr) break;
    if (scanner.position() > limits.head_bytes_max) return Reason::HeadTooLarge;
    if (!progress.start_line_read) {
      if (line->empty() && !progress.blank_skipped) {
        progress.blank_skipped = true;
        continue;
      }
      head.fields.clear();
      head.bytes = bytes.substr(begin);
      if (const auto read = start_line(*line); !read) return read.error();
      progress.start_line_read = true;
      continue;
    }
    if (line->empty()) {
      const auto start = static_cast<std::size_t>(head.bytes.data() - bytes.data());
      head.bytes = bytes.substr(start, scanner.position() - start);
      progress = {};
      return true;
    }
    if (head.fields.size() == limits.fields_max) return Reason::TooManyFields;
    const auto field = parse_field(*line, bytes.substr(begin, scanner.position() - begin));
    if (!field) return field.error();
    head.fields.push_back(*field);
  }
  progress.line_begin = scanner.position();
  progress.scanned = scanner.scanned();
  if (!progress.start_line_read) {
    if (const auto fine = partial(bytes.substr(scanner.position())); !fine) return fine.error();
  }
  if (bytes.size() >= limits.head_bytes_max) return Reason::HeadTooLarge;
  return false;
}

}  // namespace

base::Result<Field> parse_field(std::string_view text, std::string_view line) noexcept {
  // RFC 9112 section 5.2: a line that begins with a blank continues the one before, and a proxy may refuse it.
  if (text.front() == ' ' || text.front() == '\t') return Reason::ObsoleteFolding;
  const auto* const name_end = std::find_if(text.begin(), text.end(), [](char c) { return !base::is_token_char(c); });
  const auto length = static_cast<std::size_t>(name_end - text.begin());
  if (name_end == text.end()) return Reason::BadFieldName;
  // RFC 9112 section 5.1: no blank between the name and the colon.
  if (*name_end == ' ' || *name_end == '\t') return Reason::SpaceAroundFieldName;
  if (*name_end != ':' || length == 0) return Reason::BadFieldName;
  Field field;
  field.name = text.substr(0, length);
  field.value = base::trim_blanks(text.substr(length + 1));
  field.line = line;
  field.known = field_name_of(field.name);
  return field;
}

Result<bool> RequestParser::parse(std::string_view bytes, RequestHead& head) {
  return parse_head(
      bytes, head, progress_, *limits_, [&](std::string_view line) { return parse_request_line(line, *limits_, head); },
      [&](std::string_view partial) { return check_partial_request_line(partial, *limits_); });
}

Result<bool> ResponseParser::parse(std::string_view bytes, ResponseHead& head) {
  progress_.blank_skipped = true;  // an empty line before a response is not allowed
  return parse_head(
      bytes, head, progress_, *limits_, [&](std::string_view line) { return parse_status_line(line, head); },
      [](std::string_view) { return Result<bool>(false); });
}

}  // namespace sidegate::http
