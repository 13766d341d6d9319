#include "line.hpp"

#include <sidegate/base/text.hpp>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <algorithm>
#include <array>
#include <charconv>

namespace sidegate::telemetry {
namespace {

/// Printable ASCII that JSON takes as it is.
constexpr auto kPlain = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 0x7F; ++c) table[c] = c != '"' && c != '\\';
  return table;
}();

bool is_plain(std::string_view text) noexcept {
#if defined(__SSE2__)
  // Sixteen bytes at a time: of a usual line that is two thirds of what is looked at.
  const __m128i space = _mm_set1_epi8(0x20);
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i del = _mm_set1_epi8(0x7F);
  while (text.size() >= 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data()));
    // As signed numbers, bytes outside of ASCII are below the space too.
    const __m128i outside = _mm_or_si128(_mm_cmplt_epi8(block, space), _mm_cmpeq_epi8(block, del));
    const __m128i special = _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash));
    if (_mm_movemask_epi8(_mm_or_si128(outside, special)) != 0) return false;
    text.remove_prefix(16);
  }
#endif
  return std::all_of(text.begin(), text.end(), [](char c) { return kPlain[static_cast<unsigned char>(c)]; });
}

/// Writes `number` in exactly `width` digits and returns the place after them.
char* put_digits(char* out, unsigned number, int width) noexcept {
  for (char* place = out + width; place != out; number /= 10) *--place = static_cast<char>('0' + number % 10);
  return out + width;
}

}  // namespace

void append_timestamp(std::string& out, Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto in_day = static_cast<std::uint64_t>((time - day).count());
  const auto micros = static_cast<unsigned>(in_day % 1'000'000);
  const auto seconds = static_cast<unsigned>(in_day / 1'000'000);

  std::array<char, 27> text{};
  char* place = put_digits(text.data(), static_cast<unsigned>(std::max(0, static_cast<int>(date.year()))), 4);
  *place++ = '-';
  place = put_digits(place, static_cast<unsigned>(date.month()), 2);
  *place++ = '-';
  place = put_digits(place, static_cast<unsigned>(date.day()), 2);
  *place++ = 'T';
  place = put_digits(place, seconds / 3600, 2);
  *place++ = ':';
  place = put_digits(place, seconds / 60 % 60, 2);
  *place++ = ':';
  place = put_digits(place, seconds % 60, 2);
  *place++ = '.';
  place = put_digits(place, micros, 6);
  *place = 'Z';
  out.append(text.data(), text.size());
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> text{};
  const auto result = std::to_chars(text.data(), text.data() + text.size(), number);
  out.append(text.data(), result.ptr);
}

void append_milliseconds(std::string& out, std::chrono::microseconds duration) {
  const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()));
  append_number(out, micros / 1000);
  std::array<char, 4> decimals{'.'};
  put_digits(decimals.data() + 1, static_cast<unsigned>(micros % 1000), 3);
  out.append(decimals.data(), decimals.size());
}

void append_member(std::string& out, std::string_view key, std::string_view value) {
  out += '"';
  append_escaped(out, key);
  out += "\":\"";
  append_escaped(out, value);
  out += "\",";
}

void append_word(std::string& out, std::string_view text) {
  const bool is_word = !text.empty() && text.find_first_of(" =") == std::string_view::npos && is_plain(text);
  if (is_word) {
    out += text;
    return;
  }
  out += '"';
  append_escaped(out, text);
  out += '"';
}

void append_escaped(std::string& out, std::string_view text) {
  // Nearly every text is plain, and one append is many times cheaper than one for each byte.
  if (is_plain(text)) {
    out += text;
  } else {
    base::append_json_escaped(out, text);
  }
}

}  // namespace sidegate::telemetry
