#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/base/result.hpp>
#include <sidegate/revocation/revocation_list.hpp>
#include <sidegate/revocation/rule.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sidegate::revocation {

/// The rules in force, which all threads share and which outlive configurations. Any thread may call anything; what
/// reads or writes the file takes as long as that takes.
///
/// Rules come from two places: the file, where there is one, is what it says; those that were added and could not be
/// written to it are held beside it until they can be, or expire.
class Revocations {
 public:
  /// What became of rules that were added.
  struct Addition {
    enum class Result {
      Kept,      ///< they are in force, and in the file if there is one
      InMemory,  ///< they are in force, but not in the file: a restart forgets them
      TooMany,   ///< there are `kRulesMax` already
    };
    Result result = Result::Kept;
    std::string why;  ///< of InMemory, in words
  };

  /// How often the list has changed. Whoever knows this version has nothing to do.
  std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }

  /// Never null.
  std::shared_ptr<const RevocationList> list() const;

  /// From now on the rules of `file` are in force too, and rules that are added are written to it; so are those that
  /// are in force already. Empty: no file. Where it cannot be read, nothing changes; where it cannot be written, they
  /// are in force but not in it. The message names it.
  base::OrMessage<void> follow(const std::string& file, base::UnixTime now);

  /// Reads the file anew; true where that has changed what is in force. Where it cannot be read, or has gone, what is
  /// in force stays.
  base::OrMessage<bool> read_again(base::UnixTime now);

  /// Puts rules in force, and into the file.
  Addition add(const std::vector<Rule>& rules, base::UnixTime now);

  /// The rules in force.
  std::vector<Rule> rules() const;

 private:
  /// Writes what is in force to the file, with what somebody else may have added to it meanwhile.
  base::OrMessage<void> save(base::UnixTime now);
  /// Takes what the file says; false where there is none.
  base::OrMessage<bool> read_file();
  /// True where what is in force has changed.
  bool publish(base::UnixTime now);

  std::mutex changing_;  ///< held by whoever changes what is below
  std::string file_;
  std::vector<Rule> in_file_;
  std::vector<Rule> in_memory_;  ///< and not in the file, as far as is known

  mutable std::mutex mutex_;  ///< held for a moment, for what is published
  std::vector<Rule> rules_;
  std::shared_ptr<const RevocationList> list_ = std::make_shared<const RevocationList>();
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace sidegate::revocation
