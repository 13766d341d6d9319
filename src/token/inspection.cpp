#include <sidegate/token/base64url.hpp>
#include <sidegate/token/inspection.hpp>
#include <sidegate/token/json_reader.hpp>

#include "compact_jws.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace sidegate::token {
namespace {

using base::Message;
using namespace std::chrono_literals;

struct Unit {
  std::chrono::seconds length;
  std::chrono::seconds from;  // the shortest distance that is told in this unit
  std::string_view name;
};
constexpr std::array<Unit, 4> kUnits{{{24h, 48h, "day"}, {1h, 2h, "hour"}, {1min, 1min, "minute"}, {1s, 1s, "second"}}};

std::string distance_in_words(std::chrono::seconds distance) {
  for (const Unit& unit : kUnits) {
    if (distance < unit.from) continue;
    const std::int64_t count = distance / unit.length;
    return std::to_string(count) + ' ' + std::string(unit.name) + (count == 1 ? "" : "s");
  }
  return "no time";
}

}  // namespace

base::OrMessage<Inspection> inspect(std::string_view token) {
  const auto parts = split_compact(token);
  if (!parts) return Message{"not a signed token: it should be three parts with a full stop between them"};
  const auto header = decode_base64url(parts->header);
  if (!header) return Message{"the header is not base64url"};
  auto payload = decode_base64url(parts->payload);
  if (!payload) return Message{"the payload is not base64url"};
  const auto signature = decode_base64url(parts->signature);
  if (!signature) return Message{"the signature is not base64url"};
  JsonReader reader;
  auto header_object = reader.read_object(*header);
  if (!header_object) return Message{"the header is not a JSON object, or has a member twice"};
  Inspection inspection;
  inspection.header = std::move(*header_object);
  if (auto claims = reader.read_object(*payload)) inspection.claims = std::move(*claims);
  inspection.payload = std::move(*payload);
  inspection.signature_bytes = signature->size();
  return inspection;
}

std::string rfc3339(base::UnixTime moment) {
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(moment - day);
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                                 static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                                 static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                                 static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

std::string time_in_words(base::UnixTime moment, base::UnixTime now) {
  if (moment == now) return rfc3339(moment) + " (now)";
  if (moment > now) return rfc3339(moment) + " (in " + distance_in_words(moment - now) + ')';
  return rfc3339(moment) + " (" + distance_in_words(now - moment) + " ago)";
}

}  // namespace sidegate::token
