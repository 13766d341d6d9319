#include "service_log.hpp"

#include <sidegate/telemetry/log.hpp>

#include <string_view>

namespace sidegate::authority {
namespace {

using telemetry::Level;
using Circuit = inquiry::Service::Circuit;

/// One failure that lasts is told this often.
constexpr std::chrono::minutes kQuiet{1};

std::string_view words_for(Circuit circuit) noexcept {
  switch (circuit) {
    case Circuit::Closed:
      return "a service is asked again as usual";
    case Circuit::HalfOpen:
      return "a service that failed is asked once more, to see whether it answers";
    case Circuit::Open:
      break;
  }
  return "a service fails so often that it is left alone for a while";
}

}  // namespace

void ServiceLog::note_answer() {
  if (last_failure_) telemetry::log(Level::Info, "a service answers again", {{"name", name_}, {"url", url_}});
  last_failure_.reset();
}

void ServiceLog::note_failure(const std::string& why, base::SteadyTime now) {
  if (last_failure_ && now < *last_failure_ + kQuiet) return;
  last_failure_ = now;
  telemetry::log(Level::Warning, "a service cannot tell", {{"name", name_}, {"url", url_}, {"error", why}});
}

void ServiceLog::note_circuit(Circuit circuit) const {
  telemetry::log(Level::Info, words_for(circuit), {{"name", name_}, {"url", url_}});
}

}  // namespace sidegate::authority
