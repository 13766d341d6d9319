#pragma once

#include <sidegate/web/message.hpp>

#include <functional>
#include <optional>
#include <string>

namespace sidegate::demo {

/// The Auth Service as something that can be switched off.
struct ServiceSwitch {
  std::function<bool()> is_on;
  std::function<bool()> turn_on;  ///< false where its port is taken by now
  std::function<void()> turn_off;
  std::function<std::string()> newcomer_token;  ///< one that nobody has asked about yet
};

/// Where the Auth Service is stopped and started, and where it shows what becomes of callers meanwhile:
/// `/public/auth-service`, and below it `stop`, `start` and `newcomer`, which are posted to. Nothing for any other
/// path.
std::optional<web::Response> answer_outage(const web::Request& request, const ServiceSwitch& service);

}  // namespace sidegate::demo
