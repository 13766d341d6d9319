#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/inquiry/answer_cache.hpp>
#include <sidegate/inquiry/service.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

namespace sidegate::authority {

/// A moment on both clocks.
struct Moment {
  base::SteadyTime steady;
  std::chrono::system_clock::time_point civil;

  static Moment now() { return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()}; }
  base::UnixTime seconds() const { return std::chrono::floor<std::chrono::seconds>(civil); }
};

/// What a service has answered, for as long as that may be used. Whatever is let go of is withdrawn.
///
/// No clock of its own; belongs to one thread.
class KeptAnswers {
 public:
  explicit KeptAnswers(const inquiry::Service& service);
  ~KeptAnswers() { clear(); }
  KeptAnswers(const KeptAnswers&) = delete;
  KeptAnswers& operator=(const KeptAnswers&) = delete;

  struct Found {
    inquiry::AnswerPtr answer{};  ///< null: somebody must be asked, and waited for
    bool ask_again = false;       ///< it serves since the service failed; a second is over, and it may be asked again
  };
  /// What can be used now.
  Found find(const inquiry::Key& key, const Moment& now);

  /// Whether something can be used if the service fails.
  bool has_stale(const inquiry::Key& key, const Moment& now);

  /// Takes over what the service has said, as one that may be used for as long as the configuration, the token and the
  /// answer's own `freshness` say. It is kept unless `keep` is false; either way it takes the place of what was.
  inquiry::AnswerPtr take(const inquiry::Key& key, std::shared_ptr<inquiry::Answer> answer,
                          std::optional<std::chrono::seconds> freshness, bool keep, const Moment& now);

  /// A call has failed: what can be used all the same; null where nothing can. What is old serves for a second. What is
  /// fresh, since another call was made after this one had begun, stays as it is.
  inquiry::AnswerPtr fall_back(const inquiry::Key& key, const Moment& now);

  /// Lets go of those for which `which` is true; how many.
  std::size_t erase_if(const std::function<bool(const inquiry::Key&, const inquiry::Answer&)>& which);
  /// Lets go of what nobody can use any more.
  void sweep(const Moment& now);
  void clear() noexcept { cache_.clear(); }
  std::size_t size() const noexcept { return cache_.size(); }

 private:
  config::AnswerLifetimes lifetimes_;
  bool obeys_service_;  ///< as to how long
  inquiry::AnswerCache cache_;
};

}  // namespace sidegate::authority
