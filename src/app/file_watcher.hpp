#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <sys/types.h>
#include <chrono>
#include <ctime>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace sidegate::app {

/// Notices when files change, by looking at them now and then: twice a second, if nobody says otherwise.
///
/// A look follows symbolic links, so that a file whose folder is swapped (a Kubernetes ConfigMap or Secret) has changed
/// when the swap is done. Looking works on every file system, and with a handful of files it costs nothing.
class FileWatcher {
 public:
  static constexpr std::chrono::milliseconds kInterval{500};

  /// Calls `changed` on the thread of `io` once what has changed has stayed as it is for one interval: a file that is
  /// still being written is left alone.
  FileWatcher(boost::asio::io_context& io, std::function<void()> changed,
              std::chrono::milliseconds interval = kInterval);

  /// Watches these files from now on, and no others. What is known of a file that was watched already stays known. A
  /// file that is not there may come.
  void watch(const std::vector<std::string>& files);

  /// What the last call of `changed` was about.
  const std::vector<std::string>& changed_files() const noexcept { return changed_files_; }

  /// Takes the files for known as they are now: whoever calls it is about to read them.
  void look_anew();

  /// Watches nothing any more, so that the loop can run dry.
  void stop();

 private:
  /// What a look tells of a file.
  struct Stamp {
    bool exists = false;
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::timespec modified{};

    bool operator==(const Stamp& other) const noexcept;
  };
  using Stamps = std::map<std::string, Stamp>;

  static Stamp stamp_of(const std::string& file);
  Stamps stamps_of_known() const;
  void wait();
  void look();

  boost::asio::steady_timer timer_;
  std::function<void()> changed_;
  std::chrono::milliseconds interval_;
  Stamps known_;
  Stamps seen_;  ///< at the last look
  std::vector<std::string> changed_files_;
  bool waiting_ = false;
};

}  // namespace sidegate::app
