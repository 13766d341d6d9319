#include <sidegate/token/base64url.hpp>
#include <sidegate/token/key_material.hpp>
#include <sidegate/token/signer.hpp>

#include "hmac_key.hpp"
#include "jwk.hpp"
#include "pem_key.hpp"

#include <boost/json/serialize.hpp>

#include <utility>

namespace sidegate::token {
namespace {

using base::Message;
using base::OrMessage;

OrMessage<std::string> sign_with_secret(Algorithm algorithm, std::string_view secret, std::string_view message) {
  if (secret.empty()) return Message{"the key is empty"};
  auto key = HmacKey::create(algorithm, secret);
  if (!key) return key.error();
  HmacKey::Signature buffer;
  const std::string_view signature = key->sign(message, buffer);
  if (signature.empty()) return Message{"OpenSSL could not sign"};
  return {boost::system::in_place_value, signature};
}

OrMessage<std::string> sign(Algorithm algorithm, const SigningKey& key, std::string_view message) {
  const AlgorithmSet fitting = algorithms_for(key);
  if (!fitting.contains(algorithm)) {
    return Message{"the key is for " + names_of(fitting) + ", not for " + std::string(name_of(algorithm))};
  }
  const auto* const pair = std::get_if<PrivateKey>(&key.key);
  return pair != nullptr ? pair->sign(algorithm, message)
                         : sign_with_secret(algorithm, std::get<base::Secret>(key.key).reveal(), message);
}

}  // namespace

AlgorithmSet algorithms_for(const SigningKey& key) noexcept {
  const auto* const pair = std::get_if<PrivateKey>(&key.key);
  const AlgorithmSet by_kind = pair != nullptr ? algorithms_of(pair->kind()) : kHmacAlgorithms;
  return key.algorithm ? by_kind & AlgorithmSet{*key.algorithm} : by_kind;
}

OrMessage<std::vector<SigningKey>> read_signing_keys(std::string_view bytes) {
  std::vector<SigningKey> keys;
  switch (form_of(bytes)) {
    case KeyForm::Pem: {
      auto key = read_private_pem(bytes);
      if (!key) return key.error();
      keys.push_back({std::move(*key)});
      return {boost::system::in_place_value, std::move(keys)};
    }
    case KeyForm::Jwk: {
      const auto document = parse_jwk(bytes);
      return document ? read_signing_jwks(*document) : document.error();
    }
    case KeyForm::Raw:
      break;
  }
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  if (bytes.empty()) return Message{"the key is empty"};
  keys.push_back({base::Secret(std::string(bytes))});
  return {boost::system::in_place_value, std::move(keys)};
}

OrMessage<std::string> sign_jws(std::string_view header, std::string_view payload, Algorithm algorithm,
                                const SigningKey& key) {
  std::string token;
  append_base64url(token, header);
  token += '.';
  append_base64url(token, payload);
  const auto signature = sign(algorithm, key, token);
  if (!signature) return signature.error();
  token += '.';
  append_base64url(token, *signature);
  return {boost::system::in_place_value, std::move(token)};
}

OrMessage<std::string> sign_jwt(const boost::json::object& claims, Algorithm algorithm, const SigningKey& key,
                                std::string_view key_id) {
  boost::json::object header{{"alg", name_of(algorithm)}, {"typ", "JWT"}};
  if (!key_id.empty()) header.emplace("kid", key_id);
  return sign_jws(boost::json::serialize(header), boost::json::serialize(claims), algorithm, key);
}

OrMessage<std::string> sign_jws(std::string_view header, std::string_view payload, Algorithm algorithm,
                                std::string_view secret) {
  return sign_jws(header, payload, algorithm, SigningKey{base::Secret(std::string(secret))});
}

OrMessage<std::string> sign_jwt(const boost::json::object& claims, Algorithm algorithm, std::string_view secret,
                                std::string_view key_id) {
  return sign_jwt(claims, algorithm, SigningKey{base::Secret(std::string(secret))}, key_id);
}

}  // namespace sidegate::token
