#include "issuer_log.hpp"

#include <sidegate/telemetry/log.hpp>
#include <sidegate/token/check_list.hpp>

#include <chrono>

namespace sidegate::authority {
namespace {

using telemetry::Level;

/// One failure that lasts is told this often.
constexpr std::chrono::minutes kQuiet{1};

std::string names_of(const std::vector<token::KeyMaterial>& keys) {
  std::string names;
  for (const auto& key : keys) {
    if (!names.empty()) names += ", ";
    names += key.id.empty() ? "(no kid)" : token::in_quotes(key.id);
  }
  return names;
}

}  // namespace

void IssuerLog::note_answer(const token::KeyFile& answer, bool changed) {
  if (last_failure_) telemetry::log(Level::Info, "an issuer answers again", {{"url", url_}});
  last_failure_.reset();
  if (changed) {
    const std::string names = names_of(answer.keys);
    telemetry::audit(Level::Info, "the keys of an issuer have changed", {{"url", url_}, {"kids", names}});
    if (answer.keys.empty()) {
      telemetry::log(Level::Error, "an issuer publishes no key that can be used: none of its tokens is accepted",
                     {{"url", url_}});
    }
  }
  if (answer.warnings == warnings_) return;
  warnings_ = answer.warnings;
  for (const auto& warning : warnings_) telemetry::log(Level::Warning, warning, {{"url", url_}});
}

void IssuerLog::note_failure(const std::string& why, base::SteadyTime now) {
  if (last_failure_ && now < *last_failure_ + kQuiet) return;
  last_failure_ = now;
  telemetry::log(Level::Warning, "an issuer cannot be asked for its keys", {{"url", url_}, {"error", why}});
}

}  // namespace sidegate::authority
