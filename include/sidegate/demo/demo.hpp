#pragma once

#include <sidegate/base/result.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <string>

/// The built-in Auth Service and the built-in upstream of `sidegate demo`: real HTTP servers on loopback, in memory,
/// with keys and passwords that are random for each run. `run` cannot reach this room.
namespace sidegate::demo {

/// A user of the demo, with the password made for this run.
struct User {
  std::string name;
  std::string password;
};

/// Both servers, running on the thread of `io` until destroyed.
class Demo {
 public:
  /// Opens both on loopback, on ports that the system chooses.
  static base::OrMessage<std::unique_ptr<Demo>> start(boost::asio::io_context& io);
  virtual ~Demo() = default;

  virtual std::uint16_t auth_port() const = 0;
  virtual std::uint16_t upstream_port() const = 0;
  /// Shared with the gateway, which reads it as DEMO_SIGNING_KEY.
  virtual std::string signing_key() const = 0;
  /// The key for the internal endpoints (`X-API-Key`), which the gateway reads as DEMO_API_KEY.
  virtual std::string api_key() const = 0;
  virtual User user() const = 0;

  /// The gateway's configuration: YAML text with the ports filled in and the keys as `{env: DEMO_SIGNING_KEY}`
  /// and `{env: DEMO_API_KEY}`.
  virtual std::string gateway_yaml(std::uint16_t port) const = 0;
  /// What is printed once everything listens: the URL to open and curl lines to try.
  virtual std::string instructions(std::uint16_t port) const = 0;
};

}  // namespace sidegate::demo
