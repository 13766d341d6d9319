#pragma once

#include "client_assertion.hpp"
#include "reading.hpp"
#include "request.hpp"

#include <sidegate/config/config.hpp>

#include <optional>
#include <string_view>

namespace sidegate::authority {

/// How a service is asked what a token stands for, and what it answers (RFC 7662). Nothing here does input or output.
class IntrospectionProtocol {
 public:
  /// The message says why it can never be asked.
  static base::OrMessage<IntrospectionProtocol> create(const config::TokenService& settings);

  /// The message says why Sidegate cannot prove who it is.
  base::OrMessage<Request> request(std::string_view token, base::UnixTime now) const;

  Reading read(const HttpAnswer& answer, std::string_view token, base::UnixTime now) const;

 private:
  IntrospectionProtocol(const config::TokenService& settings, Url url) : settings_(settings), url_(std::move(url)) {}

  base::Secret form(std::string_view token, std::string_view assertion) const;

  config::TokenService settings_;
  Url url_;
  base::Secret own_{};  ///< field lines
  std::optional<ClientAssertion> assertion_{};
};

}  // namespace sidegate::authority
