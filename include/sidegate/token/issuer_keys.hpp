#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/token/key_material.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sidegate::token {

/// The keys of one issuer as they were last published. Whoever asks the issuer puts them in; every verifier looks into
/// it. May be used from any thread.
class IssuerKeys {
 public:
  using Keys = std::vector<KeyMaterial>;

  /// What came of asking so far.
  struct Status {
    std::uint64_t fetches_succeeded = 0;
    std::uint64_t fetches_failed = 0;
    std::optional<base::SteadyTime> published;  ///< when they were last fetched
    std::string last_error;                     ///< in words; empty once the issuer has answered again
  };

  /// With what `earlier`, the same issuer asked at other intervals, has published.
  explicit IssuerKeys(config::Issuer settings, const IssuerKeys* earlier = nullptr);
  IssuerKeys(const IssuerKeys&) = delete;
  IssuerKeys& operator=(const IssuerKeys&) = delete;

  config::Issuer settings() const;
  /// Takes over what may differ for the same issuer: the certificates that are trusted.
  void update(const config::Issuer& settings);

  /// How often the keys have changed; 0 before the first were published. A verifier that knows this version has nothing
  /// to do.
  std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }

  /// The last that were published; null before the first.
  std::shared_ptr<const Keys> keys() const;

  /// Whether the issuer can be asked: it is being asked, or was not for a while (`cooldown`).
  bool may_ask(base::SteadyTime now) const noexcept;

  /// Whether keys may exist which are not known here: it did not answer when it was last asked, or is being asked.
  bool owes_answer() const noexcept {
    return failing_.load(std::memory_order_acquire) || asking_.load(std::memory_order_acquire);
  }

  Status status() const;

  // For whoever asks the issuer.
  /// `next` is when it may be asked once more.
  void note_asked(base::SteadyTime next) noexcept;
  /// The issuer's answer. The version stays where the keys are those that are known.
  void publish(Keys keys, base::SteadyTime now);
  /// It did not answer, or not so that it can be understood. What was published stays.
  void note_failure(std::string why);

 private:
  mutable std::mutex mutex_;
  config::Issuer settings_;
  std::shared_ptr<const Keys> keys_;
  Status status_;
  std::atomic<std::uint64_t> version_{0};
  std::atomic<bool> failing_{false};
  std::atomic<bool> asking_{false};
  std::atomic<base::SteadyTime::rep> next_{base::SteadyTime::min().time_since_epoch().count()};
};

/// The issuers that configurations name, each once however many authenticators name it. An issuer that the next
/// configuration names as well keeps its keys, unless others are trusted to answer for it. One thread.
class IssuerBoard {
 public:
  /// The same place, asked at the same intervals, is the same issuer.
  std::shared_ptr<IssuerKeys> at(const config::Issuer& issuer);

  /// The same for whoever only looks; null where nobody has asked for it.
  std::shared_ptr<const IssuerKeys> find(const config::Issuer& issuer) const;

  /// Those that `config` names, which is in use from now on, or stays in use; all others are forgotten.
  std::vector<std::shared_ptr<IssuerKeys>> keep(const config::Config& config);

 private:
  std::vector<std::shared_ptr<IssuerKeys>> all_;
};

}  // namespace sidegate::token
