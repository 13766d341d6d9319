#include <sidegate/token/issuer_keys.hpp>

#include <algorithm>
#include <utility>

namespace sidegate::token {
namespace {

bool same(const KeyMaterial& left, const KeyMaterial& right) {
  const auto* const a = std::get_if<PublicKey>(&left.key);
  const auto* const b = std::get_if<PublicKey>(&right.key);
  return a != nullptr && b != nullptr && *a == *b && left.id == right.id && left.algorithm == right.algorithm;
}

/// Whether the same machines may answer.
bool is_same_issuer(const config::Issuer& left, const config::Issuer& right) {
  const auto ca_file = [](const config::Issuer& issuer) { return issuer.ca ? issuer.ca->name : std::string(); };
  return left.kind == right.kind && left.url == right.url && left.allow_http == right.allow_http &&
         ca_file(left) == ca_file(right);
}

bool has_same_intervals(const config::Issuer& left, const config::Issuer& right) noexcept {
  return left.refresh == right.refresh && left.cooldown == right.cooldown;
}

}  // namespace

IssuerKeys::IssuerKeys(config::Issuer settings, const IssuerKeys* earlier) : settings_(std::move(settings)) {
  if (earlier == nullptr) return;
  keys_ = earlier->keys();
  status_ = earlier->status();
  version_ = keys_ == nullptr ? 0 : 1;
}

config::Issuer IssuerKeys::settings() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

void IssuerKeys::update(const config::Issuer& settings) {
  const std::lock_guard lock(mutex_);
  settings_ = settings;
}

std::shared_ptr<const IssuerKeys::Keys> IssuerKeys::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

bool IssuerKeys::may_ask(base::SteadyTime now) const noexcept {
  return asking_.load(std::memory_order_acquire) ||
         now.time_since_epoch().count() >= next_.load(std::memory_order_acquire);
}

IssuerKeys::Status IssuerKeys::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void IssuerKeys::note_asked(base::SteadyTime next) noexcept {
  next_.store(next.time_since_epoch().count(), std::memory_order_release);
  asking_.store(true, std::memory_order_release);
}

void IssuerKeys::publish(Keys keys, base::SteadyTime now) {
  {
    const std::lock_guard lock(mutex_);
    ++status_.fetches_succeeded;
    status_.published = now;
    status_.last_error.clear();
    const bool changed = keys_ == nullptr || !std::equal(keys_->begin(), keys_->end(), keys.begin(), keys.end(), same);
    if (changed) {
      keys_ = std::make_shared<const Keys>(std::move(keys));
      version_.fetch_add(1, std::memory_order_release);
    }
  }
  failing_.store(false, std::memory_order_release);
  asking_.store(false, std::memory_order_release);
}

void IssuerKeys::note_failure(std::string why) {
  {
    const std::lock_guard lock(mutex_);
    ++status_.fetches_failed;
    status_.last_error = std::move(why);
  }
  failing_.store(true, std::memory_order_release);
  asking_.store(false, std::memory_order_release);
}

std::shared_ptr<IssuerKeys> IssuerBoard::at(const config::Issuer& issuer) {
  const IssuerKeys* earlier = nullptr;
  for (const auto& known : all_) {
    const auto settings = known->settings();
    if (!is_same_issuer(settings, issuer)) continue;
    earlier = known.get();
    if (!has_same_intervals(settings, issuer)) continue;
    known->update(issuer);
    return known;
  }
  return all_.emplace_back(std::make_shared<IssuerKeys>(issuer, earlier));
}

std::shared_ptr<const IssuerKeys> IssuerBoard::find(const config::Issuer& issuer) const {
  for (const auto& known : all_) {
    const auto settings = known->settings();
    if (is_same_issuer(settings, issuer) && has_same_intervals(settings, issuer)) return known;
  }
  return nullptr;
}

std::vector<std::shared_ptr<IssuerKeys>> IssuerBoard::keep(const config::Config& config) {
  std::vector<std::shared_ptr<IssuerKeys>> named;
  for (const auto& authenticator : config.authenticators) {
    for (const auto& key : authenticator.jwt.keys) {
      if (!key.issuer) continue;
      auto keys = at(*key.issuer);
      if (std::find(named.begin(), named.end(), keys) == named.end()) named.push_back(std::move(keys));
    }
  }
  all_ = named;
  return named;
}

}  // namespace sidegate::token
