#pragma once

#include <sidegate/base/clock.hpp>
#include <sidegate/config/config.hpp>
#include <sidegate/telemetry/counters.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sidegate::inquiry {

/// Somebody whom Sidegate asks while a request waits, as the configuration names it: an authenticator of kind `remote`
/// or `introspection`, an entry of `user_info`, or `session_refresh`. It may be used from any thread.
class Service {
 public:
  enum class Kind { Remote, Introspection, UserInfo, SessionRefresh };
  enum class Circuit { Closed = 0, HalfOpen = 1, Open = 2 };
  using Settings = std::variant<config::TokenService, config::UserInfo, config::SessionRefresh>;

  /// What came of asking so far.
  struct Status {
    std::uint64_t said_yes = 0;  ///< calls, by what came of them
    std::uint64_t said_no = 0;
    std::uint64_t failed = 0;
    std::optional<base::UnixTime> last_call{};   ///< when it ended
    std::chrono::microseconds last_duration{0};  ///< how long it took
    std::string last_error{};                    ///< in words; empty once it has answered again
    Circuit circuit = Circuit::Closed;
    std::size_t answers_kept = 0;
    telemetry::Histogram durations{};
  };

  /// `name` is the authenticator's or the entry's; `session_refresh` has that name.
  Service(Kind kind, std::string name, Settings settings);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  Kind kind() const noexcept { return kind_; }
  const std::string& name() const noexcept { return name_; }
  const Settings& settings() const noexcept { return settings_; }
  const config::TokenService& token_service() const { return std::get<config::TokenService>(settings_); }
  const config::UserInfo& user_info() const { return std::get<config::UserInfo>(settings_); }
  const config::SessionRefresh& session_refresh() const { return std::get<config::SessionRefresh>(settings_); }
  const config::Endpoint& endpoint() const noexcept;
  const config::AnswerLifetimes& lifetimes() const noexcept;  ///< of a session: 30 s, whatever was answered

  Status status() const;

  // For whoever asks it.
  /// A call that was answered with a yes or a no.
  void note_answer(bool yes, std::chrono::nanoseconds took, base::UnixTime now);
  void note_failure(std::string why, std::chrono::nanoseconds took, base::UnixTime now);
  void note_circuit(Circuit circuit);
  void note_answers_kept(std::size_t count);

 private:
  Kind kind_;
  std::string name_;
  Settings settings_;
  mutable std::mutex mutex_;
  Status status_;
};

/// The services that configurations name. One that the next configuration names in the same words goes on, with what is
/// known of it. One thread.
class ServiceBoard {
 public:
  std::shared_ptr<Service> at(const config::Authenticator& authenticator);
  std::shared_ptr<Service> at(const config::UserInfo& user_info);
  std::shared_ptr<Service> at(const config::SessionRefresh& session_refresh);

  /// Those that `config` names, which is in use from now on; all others are forgotten.
  std::vector<std::shared_ptr<Service>> keep(const config::Config& config);

 private:
  std::shared_ptr<Service> at(Service::Kind kind, const std::string& name, const Service::Settings& settings);

  std::vector<std::shared_ptr<Service>> all_;
};

}  // namespace sidegate::inquiry
