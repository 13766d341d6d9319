#include "client_assertion.hpp"

#include <sidegate/token/base64url.hpp>

#include <boost/json/object.hpp>

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <variant>

namespace sidegate::authority {
namespace {

using base::Message;
using base::OrMessage;
using token::Algorithm;

constexpr std::chrono::seconds kLifetime{60};

/// The first that fits, in the order that most services know.
std::optional<Algorithm> algorithm_of(const token::SigningKey& key) {
  const auto fitting = token::algorithms_for(key);
  const auto fits = [fitting](Algorithm algorithm) { return fitting.contains(algorithm); };
  const auto found = std::find_if(token::kAlgorithms.begin(), token::kAlgorithms.end(), fits);
  return found == token::kAlgorithms.end() ? std::nullopt : std::optional(*found);
}

/// A service that remembers them takes each once (RFC 7523 section 3).
OrMessage<std::string> unique_name() {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return Message{"there is no randomness"};
  std::string text;
  token::append_base64url(text, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return {boost::system::in_place_value, std::move(text)};
}

}  // namespace

OrMessage<ClientAssertion> ClientAssertion::create(std::string_view key_file, std::string id, std::string audience) {
  auto keys = token::read_signing_keys(key_file);
  if (!keys) return keys.error();
  for (auto& key : *keys) {
    const auto algorithm = algorithm_of(key);
    if (!algorithm || !std::holds_alternative<token::PrivateKey>(key.key)) continue;
    return ClientAssertion(std::move(key), *algorithm, std::move(id), std::move(audience));
  }
  return Message{"it holds no private key of a pair (RSA, EC or Ed25519, as PEM or JWK)"};
}

OrMessage<base::Secret> ClientAssertion::make(base::UnixTime now) const {
  const auto name = unique_name();
  if (!name) return name.error();
  const auto issued = now.time_since_epoch().count();
  const boost::json::object claims{{"iss", id_},   {"sub", id_},    {"aud", audience_},
                                   {"jti", *name}, {"iat", issued}, {"exp", issued + kLifetime.count()}};
  auto assertion = token::sign_jwt(claims, algorithm_, key_, key_.id);
  if (!assertion) return assertion.error();
  return base::Secret(std::move(*assertion));
}

}  // namespace sidegate::authority
