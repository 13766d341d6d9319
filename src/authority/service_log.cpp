#include "service_log.hpp"

#include <sidegate/telemetry/log.hpp>

#include <utility>

namespace sidegate::authority {
namespace {

using telemetry::Level;
using Circuit = inquiry::Service::Circuit;

/// Failures are told this often at most: whoever makes up tokens may have it fail and answer in turn.
constexpr std::chrono::minutes kQuiet{1};

}  // namespace

void ServiceLog::note_answer() {
  if (std::exchange(is_failing_, false)) {
    telemetry::log(Level::Info, "a service answers again", {{"name", name_}, {"url", url_}});
  }
}

void ServiceLog::note_failure(const std::string& why, base::SteadyTime now) {
  if (last_failure_ && now < *last_failure_ + kQuiet) return;
  last_failure_ = now;
  is_failing_ = true;
  telemetry::log(Level::Warning, "a service cannot tell", {{"name", name_}, {"url", url_}, {"error", why}});
}

void ServiceLog::note_circuit(Circuit circuit) {
  const bool is_left_alone = circuit != Circuit::Closed;
  if (is_left_alone == is_left_alone_) return;  // one call tries from time to time, which is no news
  is_left_alone_ = is_left_alone;
  telemetry::log(is_left_alone ? Level::Warning : Level::Info,
                 is_left_alone ? "a service fails so often that it is left alone for a while"
                               : "a service is asked again as usual",
                 {{"name", name_}, {"url", url_}});
}

}  // namespace sidegate::authority
