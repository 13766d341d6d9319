#pragma once

#include <sidegate/base/result.hpp>
#include <sidegate/revocation/rule_file.hpp>

#include <memory>
#include <string>
#include <vector>

namespace sidegate::revocation {

/// Keeps other processes that share a file of revocations from writing it, for as long as it lives. What is locked is a
/// file beside it, FILE.lock, since the file itself is replaced by each who writes it.
class FileLock {
 public:
  /// Waits a second at most.
  static base::OrMessage<std::unique_ptr<FileLock>> take(const std::string& file);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int descriptor) noexcept : descriptor_(descriptor) {}

  int descriptor_;
};

/// Writes `rules` in place of what `file` holds: whoever reads it sees all of the one or all of the other, after a
/// crash too. The lock must be held.
base::OrMessage<void> write_rules(const std::string& file, const std::vector<Rule>& rules);

}  // namespace sidegate::revocation
