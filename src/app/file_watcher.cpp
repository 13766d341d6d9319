#include "file_watcher.hpp"

#include <sys/stat.h>

#include <utility>

namespace sidegate::app {

bool FileWatcher::Stamp::operator==(const Stamp& other) const noexcept {
  return exists == other.exists && device == other.device && inode == other.inode && size == other.size &&
         modified.tv_sec == other.modified.tv_sec && modified.tv_nsec == other.modified.tv_nsec;
}

FileWatcher::FileWatcher(boost::asio::io_context& io, std::function<void()> changed, std::chrono::milliseconds interval)
    : timer_(io), changed_(std::move(changed)), interval_(interval) {}

void FileWatcher::watch(const std::vector<std::string>& files) {
  Stamps stamps;
  for (const auto& file : files) {
    const auto known = known_.find(file);
    stamps[file] = known != known_.end() ? known->second : stamp_of(file);
  }
  known_ = std::move(stamps);
  seen_ = known_;
  if (!known_.empty() && !waiting_) wait();
}

void FileWatcher::look_anew() {
  known_ = seen_ = stamps_of_known();
}

FileWatcher::Stamps FileWatcher::stamps_of_known() const {
  Stamps now;
  for (const auto& [file, stamp] : known_) now[file] = stamp_of(file);
  return now;
}

void FileWatcher::stop() {
  known_.clear();
  timer_.cancel();
}

FileWatcher::Stamp FileWatcher::stamp_of(const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  return {.exists = true,
          .device = status.st_dev,
          .inode = status.st_ino,
          .size = status.st_size,
          .modified = status.st_mtim};
}

void FileWatcher::wait() {
  waiting_ = true;
  timer_.expires_after(interval_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    waiting_ = false;
    if (error || known_.empty()) return;
    look();
    if (!waiting_ && !known_.empty()) wait();
  });
}

void FileWatcher::look() {
  Stamps now = stamps_of_known();
  const bool changed = now != known_;
  const bool settled = now == seen_;
  seen_ = now;
  if (!changed || !settled) return;
  changed_files_.clear();
  for (const auto& [file, stamp] : now) {
    if (!(stamp == known_.at(file))) changed_files_.push_back(file);
  }
  known_ = std::move(now);
  changed_();
}

}  // namespace sidegate::app
