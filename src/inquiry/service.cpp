#include <sidegate/inquiry/service.hpp>

#include <algorithm>
#include <utility>

namespace sidegate::inquiry {
namespace {

/// A refresh token that is being replaced may come along with requests that were sent before, for so long.
constexpr config::AnswerLifetimes kSessionLifetimes{.ttl = std::chrono::seconds(30),
                                                    .negative_ttl = std::chrono::seconds(30)};

Service::Kind kind_of(const config::Authenticator& authenticator) noexcept {
  return authenticator.kind == config::Authenticator::Kind::Remote ? Service::Kind::Remote
                                                                   : Service::Kind::Introspection;
}

}  // namespace

Service::Service(Kind kind, std::string name, Settings settings)
    : kind_(kind), name_(std::move(name)), settings_(std::move(settings)) {}

const config::Endpoint& Service::endpoint() const noexcept {
  return std::visit([](const auto& settings) -> const config::Endpoint& { return settings.endpoint; }, settings_);
}

const config::AnswerLifetimes& Service::lifetimes() const noexcept {
  if (const auto* const service = std::get_if<config::TokenService>(&settings_)) return service->cache;
  if (const auto* const user_info = std::get_if<config::UserInfo>(&settings_)) return user_info->cache;
  return kSessionLifetimes;
}

Service::Status Service::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Service::note_answer(bool yes, std::chrono::nanoseconds took, base::UnixTime now) {
  const std::lock_guard lock(mutex_);
  ++(yes ? status_.said_yes : status_.said_no);
  status_.durations.add(took);
  status_.last_call = now;
  status_.last_duration = std::chrono::floor<std::chrono::microseconds>(took);
  status_.last_error.clear();
}

void Service::note_failure(std::string why, std::chrono::nanoseconds took, base::UnixTime now) {
  const std::lock_guard lock(mutex_);
  ++status_.failed;
  status_.durations.add(took);
  status_.last_call = now;
  status_.last_duration = std::chrono::floor<std::chrono::microseconds>(took);
  status_.last_error = std::move(why);
}

void Service::note_circuit(Circuit circuit) {
  const std::lock_guard lock(mutex_);
  status_.circuit = circuit;
}

void Service::note_answers_kept(std::size_t count) {
  const std::lock_guard lock(mutex_);
  status_.answers_kept = count;
}

std::shared_ptr<Service> ServiceBoard::at(const config::Authenticator& authenticator) {
  return at(kind_of(authenticator), authenticator.name, authenticator.service);
}

std::shared_ptr<Service> ServiceBoard::at(const config::UserInfo& user_info) {
  return at(Service::Kind::UserInfo, user_info.name, user_info);
}

std::shared_ptr<Service> ServiceBoard::at(const config::SessionRefresh& session_refresh) {
  return at(Service::Kind::SessionRefresh, "session_refresh", session_refresh);
}

std::shared_ptr<Service> ServiceBoard::at(Service::Kind kind, const std::string& name,
                                          const Service::Settings& settings) {
  const auto is_it = [&](const std::shared_ptr<Service>& known) {
    return known->kind() == kind && known->name() == name && known->settings() == settings;
  };
  const auto found = std::find_if(all_.begin(), all_.end(), is_it);
  return found != all_.end() ? *found : all_.emplace_back(std::make_shared<Service>(kind, name, settings));
}

std::vector<std::shared_ptr<Service>> ServiceBoard::keep(const config::Config& config) {
  std::vector<std::shared_ptr<Service>> named;
  for (const auto& authenticator : config.authenticators) {
    if (authenticator.kind != config::Authenticator::Kind::Jwt) named.push_back(at(authenticator));
  }
  for (const auto& user_info : config.user_info) named.push_back(at(user_info));
  if (config.session_refresh) named.push_back(at(*config.session_refresh));
  all_ = named;
  return named;
}

}  // namespace sidegate::inquiry
