#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace sidegate::token {

/// What a token says about itself, nothing of it verified: for a person to look at, never to decide by.
struct Inspection {
  boost::json::object header;
  std::optional<boost::json::object> claims;  ///< none where the payload is no JSON object
  std::string payload;
  std::size_t signature_bytes = 0;
};

/// Takes `token` apart. The message says which part cannot be read, and shows nothing of it.
base::OrMessage<Inspection> inspect(std::string_view token);

/// `2026-11-22T10:00:00Z`; `moment` lies in the years 0 to 9999, as every NumericDate that is accepted.
std::string rfc3339(base::UnixTime moment);

/// The same with its distance from now: `2026-11-22T10:00:00Z (in 59 minutes)`.
std::string time_in_words(base::UnixTime moment, base::UnixTime now);

}  // namespace sidegate::token
