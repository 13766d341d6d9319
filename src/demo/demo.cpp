#include "auth_service.hpp"
#include "guide.hpp"
#include "outage_page.hpp"
#include "random_text.hpp"
#include "upstream.hpp"

#include <sidegate/demo/demo.hpp>
#include <sidegate/web/server.hpp>

#include <chrono>
#include <utility>

namespace sidegate::demo {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kApiKeyBytes = 16;

constexpr std::uint32_t kHeadBytesMax = 64 * 1024;  // the gateway's own limit is lower, and it adds to the head
constexpr std::size_t kConnectionsMax = 1024;       // the gateway keeps connections open and shares them out
constexpr std::chrono::minutes kTimeout{2};         // longer than the gateway keeps an idle one

constexpr web::ServerLimits kAuthLimits{.head_bytes_max = kHeadBytesMax,
                                        .body_bytes_max = std::size_t{64} * 1024,
                                        .connections_max = kConnectionsMax,
                                        .timeout = kTimeout};
constexpr web::ServerLimits kUpstreamLimits{.head_bytes_max = kHeadBytesMax,
                                            .body_bytes_max = std::size_t{8} * 1024 * 1024,
                                            .connections_max = kConnectionsMax,
                                            .timeout = kTimeout};

const config::Address kLoopback{config::Address::Kind::Tcp, "127.0.0.1", 0, {}};

base::UnixTime now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

class RunningDemo final : public Demo {
 public:
  RunningDemo()
      : signing_key_(random_hex(kKeyBytes)),
        api_key_(random_hex(kApiKeyBytes)),
        user_{"john", random_password()},
        auth_(user_, api_key_, Tokens(base::Secret(signing_key_), now)) {}

  /// What went wrong is left in the result; nothing otherwise.
  base::OrMessage<void> open(boost::asio::io_context& io) {
    const auto auth = open_auth(io);
    if (!auth) return auth.error();
    auto upstream = web::Server::open(io, kLoopback, kUpstreamLimits,
                                      [service = service_switch(io)](const web::Request& request, auto respond) {
                                        auto outage = answer_outage(request, service);
                                        respond(outage ? std::move(*outage) : show_request(request));
                                      });
    if (!upstream) return upstream.error();
    upstream_server_ = std::move(*upstream);
    return {};
  }

  std::uint16_t auth_port() const override { return auth_address_.port; }
  std::uint16_t upstream_port() const override { return upstream_server_->local_address().port; }
  std::string signing_key() const override { return signing_key_; }
  std::string api_key() const override { return api_key_; }
  User user() const override { return user_; }
  std::string gateway_yaml(std::uint16_t port) const override {
    return gateway_configuration(port, auth_port(), upstream_port());
  }
  std::string instructions(std::uint16_t port) const override { return things_to_try(port, user_, api_key_); }

 private:
  /// On the port that it had before, where it had one.
  base::OrMessage<void> open_auth(boost::asio::io_context& io) {
    auto auth = web::Server::open(
        io, auth_address_, kAuthLimits,
        [this](const web::Request& request, const web::Respond& respond) { respond(auth_.answer(request)); });
    if (!auth) return auth.error();
    auth_server_ = std::move(*auth);
    auth_address_ = auth_server_->local_address();
    return {};
  }

  ServiceSwitch service_switch(boost::asio::io_context& io) {
    return {.is_on = [this] { return auth_server_ != nullptr; },
            .turn_on = [this, &io] { return auth_server_ != nullptr || open_auth(io).has_value(); },
            .turn_off = [this] { auth_server_.reset(); },
            .newcomer_token = [this] { return auth_.make_access(); }};
  }

  config::Address auth_address_ = kLoopback;
  std::string signing_key_;
  std::string api_key_;
  User user_;
  AuthService auth_;
  std::unique_ptr<web::Server> auth_server_;  // after what its handler uses
  std::unique_ptr<web::Server> upstream_server_;
};

}  // namespace

base::OrMessage<std::unique_ptr<Demo>> Demo::start(boost::asio::io_context& io) {
  auto demo = std::make_unique<RunningDemo>();
  const auto opened = demo->open(io);
  if (!opened) return opened.error();
  return std::unique_ptr<Demo>(std::move(demo));
}

}  // namespace sidegate::demo
