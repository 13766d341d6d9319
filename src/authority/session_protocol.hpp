#pragma once

#include "reading.hpp"
#include "request.hpp"

#include <sidegate/config/config.hpp>

#include <string_view>

namespace sidegate::authority {

/// How a service is asked for a new token for a session, and what it answers. Nothing here does input or output.
class SessionProtocol {
 public:
  /// The message says why it can never be asked.
  static base::OrMessage<SessionProtocol> create(const config::SessionRefresh& settings);

  /// Whether the token can stand in a cookie.
  bool can_send(std::string_view refresh_token) const noexcept;

  /// A POST with the token in the refresh cookie, and in JSON as `refresh`.
  Request request(std::string_view refresh_token) const;

  /// 200 and 201 with a new token are a yes, 400, 401 and 403 a no.
  Reading read(const HttpAnswer& answer, std::string_view refresh_token) const;

 private:
  SessionProtocol(const config::SessionRefresh& settings, Url url, base::Secret own)
      : settings_(settings), url_(std::move(url)), own_(std::move(own)) {}

  config::SessionRefresh settings_;
  Url url_;
  base::Secret own_;  ///< field lines
};

}  // namespace sidegate::authority
