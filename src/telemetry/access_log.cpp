#include <sidegate/telemetry/access_log.hpp>

#include "access_log_writer.hpp"

namespace sidegate::telemetry {

void AccessLog::Producer::push(const AccessRecord& record) noexcept {
  if (writer_ == nullptr) return;
  if (ring_->push(record)) writer_->wake();
}

AccessLog::AccessLog(const config::AccessLog& settings, bool text, unsigned workers) {
  if (settings.path != "none") {
    const AccessLogWriter::Settings chosen{.path = settings.path, .with_query = settings.query, .text = text};
    writer_ = std::make_unique<AccessLogWriter>(chosen, workers);
  }
  producers_.reserve(workers);
  for (unsigned i = 0; i < workers; ++i) {
    producers_.push_back(Producer(writer_.get(), writer_ ? &writer_->ring(i) : nullptr));
  }
}

AccessLog::~AccessLog() {
  if (writer_) AccessLogWriter::finish(std::move(writer_));
}

bool AccessLog::enabled() const noexcept {
  return writer_ != nullptr;
}

AccessLog::Producer& AccessLog::producer(unsigned worker) noexcept {
  return producers_[worker];
}

void AccessLog::reopen() noexcept {
  if (writer_) writer_->reopen();
}

std::uint64_t AccessLog::dropped() const noexcept {
  return writer_ ? writer_->dropped() : 0;
}

}  // namespace sidegate::telemetry
