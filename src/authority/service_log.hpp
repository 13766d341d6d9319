#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/inquiry/service.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace sidegate::authority {

/// What operators are told of one service: what has changed, and not more often than it helps. Never what was asked.
class ServiceLog {
 public:
  explicit ServiceLog(const inquiry::Service& service) : name_(service.name()), url_(service.endpoint().shown_url()) {}

  void note_answer();
  void note_failure(const std::string& why, base::SteadyTime now);
  void note_circuit(inquiry::Service::Circuit circuit);

 private:
  std::string name_;
  std::string url_;
  std::optional<base::SteadyTime> last_failure_;  ///< that was told
  bool is_failing_ = false;                       ///< as was last told
  bool is_left_alone_ = false;                    ///< likewise
};

}  // namespace sidegate::authority
