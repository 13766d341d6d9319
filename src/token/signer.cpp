#include <sidegate/token/base64url.hpp>
#include <sidegate/token/signer.hpp>

#include "hmac_key.hpp"

#include <boost/json/serialize.hpp>

#include <utility>

namespace sidegate::token {

base::OrMessage<std::string> sign_jws(std::string_view header, std::string_view payload, Algorithm algorithm,
                                      std::string_view secret) {
  if (secret.empty()) return base::Message{"the key is empty"};
  auto key = HmacKey::create(algorithm, secret);
  if (!key) return key.error();
  std::string token;
  append_base64url(token, header);
  token += '.';
  append_base64url(token, payload);
  HmacKey::Signature buffer;
  const std::string_view signature = key->sign(token, buffer);
  if (signature.empty()) return base::Message{"OpenSSL could not sign"};
  token += '.';
  append_base64url(token, signature);
  return {boost::system::in_place_value, std::move(token)};
}

base::OrMessage<std::string> sign_jwt(const boost::json::object& claims, Algorithm algorithm, std::string_view secret,
                                      std::string_view key_id) {
  boost::json::object header{{"alg", name_of(algorithm)}, {"typ", "JWT"}};
  if (!key_id.empty()) header.emplace("kid", key_id);
  return sign_jws(boost::json::serialize(header), boost::json::serialize(claims), algorithm, secret);
}

}  // namespace sidegate::token
