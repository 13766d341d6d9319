#pragma once

#include <sidegate/token/json_reader.hpp>

#include <boost/json/object.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace sidegate::token {

/// Whether `token` looks like a JSON Web Token in compact form: three parts of base64url, the first two not empty.
/// Whatever does not is opaque.
bool has_jwt_form(std::string_view token) noexcept;

/// Reads what a token claims without asking whether it is true: to choose the verifier, which then checks the very same
/// claims, or once that is known from elsewhere. It keeps its work space, so it belongs to one thread.
class UnverifiedClaims {
 public:
  explicit UnverifiedClaims(std::size_t token_bytes_max);

  /// Puts the claims into `room`; false where they cannot be read.
  bool read(std::string_view token, boost::json::object& room);

  /// Who the token says that it is from (`iss`); empty where it says nothing that can be read. The view lives in
  /// `room`, which gets the claims.
  std::string_view issuer(std::string_view token, boost::json::object& room);

 private:
  std::size_t token_bytes_max_;
  JsonReader reader_;
  std::vector<char> payload_;
};

}  // namespace sidegate::token
