#pragma once

#include "directory.hpp"

#include <sidegate/base/clock.hpp>
#include <sidegate/base/secret.hpp>
#include <sidegate/token/jwt_verifier.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sidegate::demo {

/// What an access token says, once it is verified.
struct AccessClaims {
  std::int64_t user_id = 0;
  std::string user_type;
  std::string email;
  base::UnixTime expires;
};

/// Makes and verifies the tokens of the Auth Service (HS256).
///
/// Refresh tokens have a key of their own, so that nobody, the gateway included, can take one for an access token; they
/// end at log out.
class Tokens {
 public:
  static constexpr std::chrono::minutes kAccessLifetime{15};
  static constexpr std::chrono::hours kRefreshLifetime{24};
  /// Sessions that can be refreshed at a time; the oldest makes room.
  static constexpr std::size_t kSessionsMax = 1000;

  using Clock = std::function<base::UnixTime()>;

  Tokens(const base::Secret& signing_key, Clock clock);

  std::string make_access(const Person& person) const;
  std::string make_refresh(const Person& person);

  std::optional<AccessClaims> verify_access(std::string_view token);
  /// Whose session it continues.
  const Person* verify_refresh(std::string_view token);
  /// Ends the session of a refresh token; one that is not valid is left alone.
  void end_session(std::string_view refresh_token);

 private:
  struct RefreshClaims {
    std::int64_t user_id = 0;
    std::string id;
  };
  std::optional<RefreshClaims> read_refresh(std::string_view token);

  base::Secret access_key_;
  base::Secret refresh_key_;
  token::JwtVerifier access_verifier_;
  token::JwtVerifier refresh_verifier_;
  Clock clock_;
  std::deque<std::string> sessions_;  ///< the identifiers of live refresh tokens, oldest first
};

}  // namespace sidegate::demo
