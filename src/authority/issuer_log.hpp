#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/token/key_material.hpp>

#include <optional>
#include <string>
#include <vector>

namespace sidegate::authority {

/// What operators are told of one issuer: what has changed, and not more often than it helps. Never the content of a
/// key.
class IssuerLog {
 public:
  /// `url` as it may be shown.
  explicit IssuerLog(std::string url) : url_(std::move(url)) {}

  /// The issuer has answered; `keys` are other ones than before where `changed`.
  void note_answer(const token::KeyFile& answer, bool changed);
  void note_failure(const std::string& why, base::SteadyTime now);

 private:
  std::string url_;
  std::vector<std::string> warnings_;             ///< of the last answer
  std::optional<base::SteadyTime> last_failure_;  ///< that was told; none once it has answered
};

}  // namespace sidegate::authority
