#pragma once

#include <sidegate/config/config.hpp>
#include <sidegate/telemetry/access_record.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sidegate::telemetry {

class AccessLogWriter;
class RecordRing;

/// The access log: workers hand over records, a thread of its own formats and writes them.
///
/// Each worker has a ring of its own (one producer, one consumer, no lock, no allocation). Where the sink cannot keep
/// up the ring fills and further records are dropped and counted; a request never waits for its log line. The writer
/// gathers what has come for some milliseconds into one write, and sleeps while there is nothing.
class AccessLog {
 public:
  /// The worker's end. Used by one thread only; it must not outlive the log.
  class Producer {
   public:
    Producer(Producer&&) noexcept = default;
    Producer& operator=(Producer&&) noexcept = default;
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;
    ~Producer() = default;

    /// Copies the record, or drops and counts it. Never blocks. Texts longer than the ring takes (a path of 8 KiB) are
    /// cut. The query is left behind unless the log writes it.
    void push(const AccessRecord& record) noexcept;

   private:
    friend class AccessLog;
    Producer(AccessLogWriter* writer, RecordRing* ring) noexcept : writer_(writer), ring_(ring) {}

    AccessLogWriter* writer_;  ///< null where records go nowhere
    RecordRing* ring_;
  };

  /// Opens the sink of `settings` and starts the writer. `text` chooses the format for people. Throws std::system_error
  /// where a file cannot be opened.
  AccessLog(const config::AccessLog& settings, bool text, unsigned workers);

  /// Writes what is left, then ends the writer. The producers must be idle. A sink that takes nothing any more is given
  /// up after two seconds, so that it cannot keep the process from ending.
  ~AccessLog();

  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  /// Whether records go anywhere; where not, `push` does nothing.
  bool enabled() const noexcept;

  Producer& producer(unsigned worker) noexcept;

  /// Has the writer open a file sink anew before its next write, for log rotation. Any thread.
  void reopen() noexcept;

  /// Records dropped so far. Any thread.
  std::uint64_t dropped() const noexcept;

 private:
  std::unique_ptr<AccessLogWriter> writer_;
  std::vector<Producer> producers_;
};

/// One line of the access log, with its line feed, appended to `out`: a JSON object, or a line for people.
///
/// Fields without a value are left out; `status`, `duration_ms` and the byte counts always stand. Whatever a caller
/// sent is escaped, so that it stays one line. `level` is `warning` for a 5xx made by Sidegate, otherwise `info`.
void append_json_line(std::string& out, const AccessRecord& record, bool with_query);
void append_text_line(std::string& out, const AccessRecord& record, bool with_query);

}  // namespace sidegate::telemetry
