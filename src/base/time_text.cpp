#include <sidegate/base/text.hpp>
#include <sidegate/base/time_text.hpp>

#include <chrono>

namespace sidegate::base {
namespace {

/// Takes fixed fields off the front of a text; once one does not fit, nothing fits any more.
class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : text_(text) {}

  unsigned digits(std::size_t count) {
    const auto number = text_.size() < count ? std::nullopt : parse_decimal(text_.substr(0, count));
    if (!number) {
      fits_ = false;
      return 0;
    }
    text_.remove_prefix(count);
    return static_cast<unsigned>(*number);
  }
  char one_of(std::string_view characters) {
    if (text_.empty() || characters.find(text_.front()) == std::string_view::npos) {
      fits_ = false;
      return '\0';
    }
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }
  void skip_fraction() {
    if (!text_.starts_with('.')) return;
    text_.remove_prefix(1);
    if (text_.empty() || !is_digit(text_.front())) fits_ = false;
    while (!text_.empty() && is_digit(text_.front())) text_.remove_prefix(1);
  }
  bool done() const { return fits_ && text_.empty(); }

 private:
  std::string_view text_;
  bool fits_ = true;
};

}  // namespace

OrMessage<UnixTime> parse_time(std::string_view text) {
  const Message expected{"expected a time of RFC 3339, such as \"2026-12-31T00:00:00Z\""};
  FieldReader fields(text);
  const auto year = static_cast<int>(fields.digits(4));
  fields.one_of("-");
  const unsigned month = fields.digits(2);
  fields.one_of("-");
  const unsigned day = fields.digits(2);
  fields.one_of("Tt");
  const unsigned hour = fields.digits(2);
  fields.one_of(":");
  const unsigned minute = fields.digits(2);
  fields.one_of(":");
  const unsigned second = fields.digits(2);
  fields.skip_fraction();
  const char zone = fields.one_of("Zz+-");
  std::chrono::minutes offset{0};
  if (zone == '+' || zone == '-') {
    const unsigned hours = fields.digits(2);
    fields.one_of(":");
    const unsigned minutes = fields.digits(2);
    if (hours > 23 || minutes > 59) return expected;
    offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    if (zone == '-') offset = -offset;
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  // RFC 3339 section 5.7 has a second 60 for leap seconds; Unix time has none, so it is the next second.
  if (!fields.done() || !date.ok() || hour > 23 || minute > 59 || second > 60) return expected;
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) - offset;
}

}  // namespace sidegate::base
