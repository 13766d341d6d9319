#pragma once

#include "fetch.hpp"
#include "issuer_log.hpp"
#include "schedule.hpp"

#include <sidegate/token/issuer_keys.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace sidegate::authority {

/// Keeps the keys of one issuer fresh: asks, publishes what it answers, and asks again.
///
/// Belongs to the thread of its loop. It lives as long as a question is under way, and does nothing more once it is
/// stopped.
class KeySource : public std::enable_shared_from_this<KeySource> {
 public:
  using Done = std::function<void()>;

  /// `hosts` outlives it.
  KeySource(boost::asio::io_context& io, KnownHosts& hosts, std::shared_ptr<token::IssuerKeys> box,
            std::chrono::milliseconds patience);

  /// Asks, unless that is under way.
  void begin();
  /// Asks where that is allowed by now. `done` is called when the question is over, or at once where there is none.
  void ask(Done done);
  /// Cuts what is under way and tells who waits.
  void stop();

  const token::IssuerKeys* box() const noexcept { return box_.get(); }

 private:
  /// What came of a question.
  struct Obtained {
    token::KeyFile published;
    std::optional<std::chrono::seconds> freshness;
  };

  static Task<void> run(std::shared_ptr<KeySource> self, std::shared_ptr<Fetch> fetch, config::Issuer issuer);
  static Task<base::OrMessage<Obtained>> obtain(Fetch& fetch, const config::Issuer& issuer);
  static Task<base::OrMessage<Url>> find_place(Fetch& fetch, const config::Issuer& issuer);
  static base::OrMessage<Obtained> read_answer(const Url& url, const HttpAnswer& answer);
  void finish(base::OrMessage<Obtained> obtained);
  void publish(Obtained obtained);
  void begin_at(base::SteadyTime next);
  void tell_waiters();

  boost::asio::io_context& io_;
  KnownHosts& hosts_;
  std::shared_ptr<token::IssuerKeys> box_;
  std::chrono::milliseconds patience_;
  Schedule schedule_;
  IssuerLog log_;
  Timer timer_;
  base::SteadyTime next_{};  ///< when it is asked by itself
  std::shared_ptr<Fetch> fetch_;
  std::vector<Done> waiting_;
  bool stopped_ = false;
};

}  // namespace sidegate::authority
