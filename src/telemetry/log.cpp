#include "line.hpp"
#include "output.hpp"

#include <sidegate/telemetry/log.hpp>

#include <spdlog/formatter.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <array>
#include <memory>
#include <mutex>

namespace sidegate::telemetry {
namespace {

/// Puts the time and the level before what `log` has rendered already: the message and the fields, escaped.
class JsonFormatter : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& entry, spdlog::memory_buf_t& out) override;
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

class TextFormatter : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& entry, spdlog::memory_buf_t& out) override;
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<TextFormatter>(); }
};

/// Writes each line at once. One that the sink does not take within `kPatience` is lost: a log must not stop a proxy.
class OutputSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  OutputSink(const std::string& path, std::unique_ptr<spdlog::formatter> formatter)
      : base_sink(std::move(formatter)), output_(path) {}

  bool reopen() {
    const std::lock_guard lock(mutex_);
    return output_.reopen();
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& entry) override;
  void flush_() override {}

 private:
  static constexpr std::chrono::milliseconds kPatience{100};

  Output output_;
};

std::string_view name_of(spdlog::level::level_enum level) noexcept {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warning";
    default:
      return "error";
  }
}

spdlog::level::level_enum to_spdlog(Level level) noexcept {
  switch (level) {
    case Level::Debug:
      return spdlog::level::debug;
    case Level::Info:
      return spdlog::level::info;
    case Level::Warning:
      return spdlog::level::warn;
    case Level::Error:
      break;
  }
  return spdlog::level::err;
}

spdlog::level::level_enum level_named(std::string_view name) noexcept {
  for (const Level level : {Level::Debug, Level::Warning, Level::Error}) {
    if (name_of(to_spdlog(level)) == name) return to_spdlog(level);
  }
  return spdlog::level::info;
}

Timestamp time_of(const spdlog::details::log_msg& entry) noexcept {
  return std::chrono::floor<std::chrono::microseconds>(entry.time);
}

void append(spdlog::memory_buf_t& out, std::string_view text) {
  out.append(text.data(), text.data() + text.size());
}

void JsonFormatter::format(const spdlog::details::log_msg& entry, spdlog::memory_buf_t& out) {
  std::string head = "{\"time\":\"";
  append_timestamp(head, time_of(entry));
  head += "\",";
  append_member(head, "level", name_of(entry.level));
  append(out, head);
  append(out, {entry.payload.data(), entry.payload.size()});
  append(out, "}\n");
}

void TextFormatter::format(const spdlog::details::log_msg& entry, spdlog::memory_buf_t& out) {
  constexpr std::size_t kLevelWidth = 7;
  std::string head;
  append_timestamp(head, time_of(entry));
  head += ' ';
  head += name_of(entry.level);
  head.append(kLevelWidth - name_of(entry.level).size() + 1, ' ');
  append(out, head);
  append(out, {entry.payload.data(), entry.payload.size()});
  append(out, "\n");
}

void OutputSink::sink_it_(const spdlog::details::log_msg& entry) {
  spdlog::memory_buf_t line;
  formatter_->format(entry, line);
  std::string_view rest(line.data(), line.size());
  bool waited = false;
  while (!rest.empty()) {
    const auto written = output_.write_some(rest);
    if (!written || (*written == 0 && waited)) return;
    rest.remove_prefix(*written);
    waited = *written == 0;
    if (waited) output_.wait_writable(kPatience);
  }
}

std::string render_json(std::string_view message, const std::vector<Field>& fields, bool is_audit) {
  std::string payload;
  append_member(payload, "msg", message);
  for (const auto& [key, value] : fields) append_member(payload, key, value);
  if (is_audit) payload += "\"audit\":true,";
  payload.pop_back();  // the last comma
  return payload;
}

std::string render_text(std::string_view message, const std::vector<Field>& fields, bool is_audit) {
  std::string payload;
  append_escaped(payload, message);
  for (const auto& [key, value] : fields) {
    payload += ' ';
    append_word(payload, key);
    payload += '=';
    append_word(payload, value);
  }
  if (is_audit) payload += " audit=true";
  return payload;
}

struct Log {
  std::shared_ptr<OutputSink> sink;
  std::unique_ptr<spdlog::logger> logger;
  bool json = false;

  explicit Log(const config::Log& settings) : json(settings.format == "json") {
    std::unique_ptr<spdlog::formatter> formatter;
    if (json) {
      formatter = std::make_unique<JsonFormatter>();
    } else {
      formatter = std::make_unique<TextFormatter>();
    }
    sink = std::make_shared<OutputSink>(settings.path, std::move(formatter));
    logger = std::make_unique<spdlog::logger>("", sink);
    logger->set_level(level_named(settings.level));
  }
};

/// The log in use. Whoever writes a line holds it, so that it may be replaced meanwhile.
class Current {
 public:
  std::shared_ptr<const Log> get() const {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  void set(std::shared_ptr<const Log> log) {
    const std::lock_guard lock(mutex_);
    log_.swap(log);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Log> log_ = std::make_shared<const Log>(config::Log{.format = "text"});
};

/// Never destroyed, so that destructors of other statics may still log.
Current& current() {
  static auto* const current = new Current;
  return *current;
}

void write(Level level, std::string_view message, const std::vector<Field>& fields, bool is_audit) {
  const auto log = current().get();
  if (!is_audit && !log->logger->should_log(to_spdlog(level))) return;
  const std::string payload =
      log->json ? render_json(message, fields, is_audit) : render_text(message, fields, is_audit);
  // Past the logger, which would look at the level again.
  log->sink->log(spdlog::details::log_msg({}, to_spdlog(level), {payload.data(), payload.size()}));
}

}  // namespace

void open_log(const config::Log& settings) {
  current().set(std::make_shared<const Log>(settings));
}

void reopen_log() {
  if (!current().get()->sink->reopen()) log(Level::Warning, "cannot reopen the log file; the old one stays in use");
}

void log(Level level, std::string_view message, const std::vector<Field>& fields) {
  write(level, message, fields, false);
}

void audit(Level level, std::string_view message, const std::vector<Field>& fields) {
  write(level, message, fields, true);
}

}  // namespace sidegate::telemetry
