#pragma once

#include "reading.hpp"
#include "request.hpp"

#include <sidegate/config/config.hpp>

#include <string_view>

namespace sidegate::authority {

/// How a service is asked whether a token holds, and what it answers: authenticators of kind `remote`. Nothing here
/// does input or output.
class RemoteProtocol {
 public:
  /// The message says why it can never be asked.
  static base::OrMessage<RemoteProtocol> create(const config::TokenService& settings);

  /// Whether the token can stand where it is sent.
  bool can_send(std::string_view token) const noexcept;

  Request request(std::string_view token) const;

  Reading read(const HttpAnswer& answer, std::string_view token, base::UnixTime now) const;

 private:
  RemoteProtocol(const config::TokenService& settings, Url url, base::Secret own)
      : settings_(settings), url_(std::move(url)), own_(std::move(own)) {}

  Reading read_object(boost::json::object object, std::string_view token, base::UnixTime now) const;
  /// The service has vouched for the token, and says nothing more: it speaks for itself.
  Reading read_token(std::string_view token, base::UnixTime now) const;

  config::TokenService settings_;
  Url url_;
  base::Secret own_;  ///< field lines
};

}  // namespace sidegate::authority
