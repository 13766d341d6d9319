#include "breaker.hpp"

#include <algorithm>

namespace sidegate::authority {
namespace {

/// What is known of a window that holds more is known well enough.
constexpr std::size_t kOutcomesMax = 4'096;

}  // namespace

bool Breaker::lets_in(base::SteadyTime now, bool is_unusual) const noexcept {
  if (circuit_ == Circuit::Closed) return true;
  return !probing_ && now >= (is_unusual ? open_until_ + settings_.open_for : open_until_);
}

std::optional<Breaker::Permit> Breaker::enter(base::SteadyTime now, bool is_unusual) {
  if (!lets_in(now, is_unusual)) return std::nullopt;
  if (circuit_ == Circuit::Open) change(Circuit::HalfOpen);
  probing_ = circuit_ == Circuit::HalfOpen;
  return Permit{era_};
}

void Breaker::note(Permit permit, const inquiry::Key& key, bool succeeded, base::SteadyTime now) {
  if (permit.era != era_) return;
  if (circuit_ == Circuit::HalfOpen && succeeded) return change(Circuit::Closed);
  if (circuit_ == Circuit::Closed) remember(key, !succeeded, now);
  if (circuit_ == Circuit::Closed && !is_bad()) return;
  open_until_ = now + settings_.open_for;
  change(Circuit::Open);
}

void Breaker::note_nothing(Permit permit) noexcept {
  if (permit.era == era_) probing_ = false;
}

std::chrono::seconds Breaker::retry_after(base::SteadyTime now) const noexcept {
  constexpr std::chrono::seconds kLeast{1};
  if (circuit_ != Circuit::Open) return kLeast;
  return std::max(kLeast, std::chrono::ceil<std::chrono::seconds>(open_until_ - now));
}

void Breaker::remember(const inquiry::Key& key, bool failed, base::SteadyTime now) {
  if (failed) {
    row_.insert(key);
  } else {
    row_.clear();
  }
  if (const auto known = places_.find(key); known != places_.end()) {
    if (known->second->failed) --failed_;
    window_.erase(known->second);
    places_.erase(known);
  }
  places_[key] = window_.insert(window_.end(), {key, now, failed});
  if (failed) ++failed_;
  while (window_.size() > kOutcomesMax || window_.front().when + settings_.window <= now) forget_first();
}

void Breaker::forget_first() {
  if (window_.front().failed) --failed_;
  places_.erase(window_.front().key);
  window_.pop_front();
}

bool Breaker::is_bad() const noexcept {
  if (row_.size() >= settings_.consecutive) return true;
  return window_.size() >= settings_.of_at_least && failed_ * 100 >= window_.size() * settings_.error_rate_percent;
}

void Breaker::change(Circuit circuit) {
  circuit_ = circuit;
  ++era_;
  probing_ = false;
  row_.clear();
  window_.clear();
  places_.clear();
  failed_ = 0;
}

}  // namespace sidegate::authority
