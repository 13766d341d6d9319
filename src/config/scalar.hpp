#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// The texts of single values: read strictly (one spelling each, no signs, no blanks), and written so that they read
/// back the same. A message says what was expected and never repeats what was found.
namespace sidegate::config {

/// `250ms`, `5s`, `10m`, `1h`; a unit is required, so that nobody has to guess it.
base::OrMessage<std::chrono::milliseconds> parse_duration(std::string_view text);

/// `512B`, `64KiB`, `10MiB`, `1GiB`; a unit is required.
base::OrMessage<std::uint64_t> parse_size(std::string_view text);

/// A file mode in octal with a leading 0, at most 0777.
base::OrMessage<unsigned> parse_mode(std::string_view text);

/// In the largest unit that loses nothing.
std::string duration_text(std::chrono::milliseconds duration);
std::string size_text(std::uint64_t bytes);
std::string time_text(base::UnixTime time);

}  // namespace sidegate::config
