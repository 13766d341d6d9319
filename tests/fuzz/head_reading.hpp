#pragma once

#include <sidegate/base/limits.hpp>
#include <sidegate/base/reason.hpp>
#include <sidegate/base/text.hpp>
#include <sidegate/http/head.hpp>
#include <sidegate/http/head_parser.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "splits.hpp"

namespace sidegate::fuzz {

inline constexpr base::Limits kLimits{};

/// A head read from bytes that arrive in pieces, in one buffer that fills up in place, as in a connection.
///
/// What has not arrived yet is line feeds, so that a parser which looks too far refuses the head.
template <class Parser, class Head>
class HeadReading {
 public:
  explicit HeadReading(std::string_view bytes, const base::Limits& limits = kLimits)
      : HeadReading(bytes, in_one_piece(bytes.size()), limits) {}

  HeadReading(std::string_view bytes, const Splits& splits, const base::Limits& limits = kLimits)
      : buffer_(std::make_unique<char[]>(bytes.size())) {
    std::fill_n(buffer_.get(), bytes.size(), '\n');
    Parser parser(limits);
    std::size_t arrived = 0;
    for (const std::size_t end : splits) {
      std::copy(bytes.data() + arrived, bytes.data() + end, buffer_.get() + arrived);
      arrived = end;
      const auto result = parser.parse({buffer_.get(), arrived}, head_);
      if (!result) {
        refusal_ = result.error();
        return;
      }
      whole_ = *result;
      if (whole_) return;
    }
  }

  bool whole() const { return whole_; }
  std::optional<base::Reason> refusal() const { return refusal_; }
  const Head& head() const { return head_; }
  Head& head() { return head_; }

  /// Where the head ends; what follows belongs to the body.
  std::size_t end() const { return at(head_.bytes) + head_.bytes.size(); }

  /// All that was read, with the places it was read at.
  std::string text() const {
    if (refusal_) return "refused: " + std::string(base::name_of(*refusal_));
    if (!whole_) return "not whole";
    std::string text = start_line(head_) + view(head_.bytes);
    for (const http::Field& field : head_.fields) {
      text += '\n' + view(field.name) + view(field.value) + view(field.line);
      text += std::to_string(static_cast<int>(field.known));
    }
    return text;
  }

 private:
  std::size_t at(std::string_view part) const { return static_cast<std::size_t>(part.data() - buffer_.get()); }

  std::string view(std::string_view part) const {
    const std::string place = part.empty() ? "" : std::to_string(at(part));
    return '<' + std::string(part) + "@" + place + '>';
  }

  std::string start_line(const http::RequestHead& head) const {
    return view(head.method) + view(head.target) + std::to_string(static_cast<int>(head.known_method)) + ' ' +
           std::to_string(static_cast<int>(head.version));
  }
  std::string start_line(const http::ResponseHead& head) const {
    return std::to_string(head.status) + view(head.reason_phrase) + std::to_string(static_cast<int>(head.version));
  }

  std::unique_ptr<char[]> buffer_;
  Head head_;
  std::optional<base::Reason> refusal_;
  bool whole_ = false;
};

using RequestReading = HeadReading<http::RequestParser, http::RequestHead>;
using ResponseReading = HeadReading<http::ResponseParser, http::ResponseHead>;

/// Whether two readings of the same bytes agree. A head with several things wrong may be refused for another of them
/// where it is too long: that is noticed as soon as the bytes are there, which may be before its lines are whole.
template <class Reading>
bool agree(const Reading& left, const Reading& right) {
  const auto is_length = [](std::optional<base::Reason> reason) {
    return reason == base::Reason::HeadTooLarge || reason == base::Reason::TargetTooLong ||
           reason == base::Reason::BadMethod;
  };
  if (left.refusal() && right.refusal() && (is_length(left.refusal()) || is_length(right.refusal()))) return true;
  return left.text() == right.text();
}

/// The field names in lower case with their values, a line each.
inline std::string list_fields(const std::vector<http::Field>& fields) {
  std::string list;
  for (const http::Field& field : fields) {
    list += base::lower_case(field.name) + ": " + std::string(field.value) + '\n';
  }
  return list;
}

/// The bytes of a gather list in one string.
template <class List>
std::string joined(const List& list) {
  std::string bytes;
  for (const auto& slice : list.slices()) bytes.append(static_cast<const char*>(slice.iov_base), slice.iov_len);
  return bytes;
}

}  // namespace sidegate::fuzz
