#pragma once

#include "directory.hpp"
#include "tokens.hpp"

#include <sidegate/demo/demo.hpp>
#include <sidegate/web/message.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sidegate::demo {

/// The built-in Auth Service: the endpoints that downstream services rely on, in memory, for one user who can log in.
///
/// `answer` knows no sockets. A trailing slash of a path may be left out.
class AuthService {
 public:
  AuthService(User user, std::string api_key, Tokens tokens);

  web::Response answer(const web::Request& request);

  /// A new access token of the one user, which the service accepts as any other.
  std::string make_access() const;

 private:
  struct Endpoint;
  enum class ApiKey { Missing, Wrong, Right };

  static const Endpoint* find(std::string_view path, std::string_view method, std::string& allow);

  web::Response show_login(const web::Request& request);
  web::Response log_in(const web::Request& request);
  web::Response log_out(const web::Request& request);
  web::Response refresh(const web::Request& request);
  web::Response validate(const web::Request& request);
  web::Response one_user(const web::Request& request);
  web::Response several_users(const web::Request& request);
  web::Response round_robin(const web::Request& request);
  web::Response employee(const web::Request& request);

  bool knows(std::string_view name, std::string_view password) const;
  ApiKey api_key_of(const web::Request& request) const;
  std::optional<AccessClaims> caller_of(const web::Request& request);
  /// Why a caller with neither a valid token nor the API key may not look people up.
  std::optional<web::Response> refusal(const web::Request& request);

  User user_;
  std::string api_key_;
  Tokens tokens_;
};

}  // namespace sidegate::demo
