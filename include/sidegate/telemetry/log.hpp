#pragma once

#include <sidegate/config/config.hpp>

#include <string_view>
#include <utility>
#include <vector>

/// The operational log: start, stop, warnings and failures of Sidegate itself; requests go to the access log. Any
/// thread. Never called on the path of a request that ends well.
namespace sidegate::telemetry {

enum class Level { Debug, Info, Warning, Error };

/// A named value beside the message. Never a secret.
using Field = std::pair<std::string_view, std::string_view>;

/// Opens the sink and sets level and format, at the start and at a reload; before that, text on stderr. Throws
/// std::system_error where the file cannot be opened; the log is then what it was. Any thread.
void open_log(const config::Log& settings);

/// Opens a file sink anew, for log rotation; where that fails the old file stays in use. Any thread.
void reopen_log();

/// One line: a JSON object `{"time":…,"level":…,"msg":…, fields…}`, or text.
void log(Level level, std::string_view message, const std::vector<Field>& fields = {});

/// The same about something that an operator did, marked `"audit":true` and written whatever the level of the log.
void audit(Level level, std::string_view message, const std::vector<Field>& fields = {});

}  // namespace sidegate::telemetry
