#include <sidegate/token/base64url.hpp>
#include <sidegate/token/json_reader.hpp>
#include <sidegate/token/key_material.hpp>

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <utility>

namespace sidegate::token {
namespace {

namespace json = boost::json;
using base::Message;
using Keys = std::vector<KeyMaterial>;

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kOtherTypes = "only HMAC secrets are: raw bytes, or a JWK of type \"oct\"";

/// The text of a member; empty where it is missing or no string.
std::string_view text_of(const json::object& object, std::string_view name) noexcept {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  const json::string& text = value->get_string();
  return {text.data(), text.size()};
}

/// RFC 7517 section 4, RFC 7518 section 6.4.
base::OrMessage<KeyMaterial> read_jwk(const json::object& jwk) {
  const std::string_view type = text_of(jwk, "kty");
  if (type.empty()) return Message{"a JWK without \"kty\""};
  if (type != "oct") {
    return Message{"keys of type \"" + std::string(type) + "\" are not supported yet; " + std::string(kOtherTypes)};
  }
  if (const auto use = text_of(jwk, "use"); !use.empty() && use != "sig") {
    return Message{"the JWK is not for signatures: its \"use\" is \"" + std::string(use) + '"'};
  }
  KeyMaterial key;
  if (jwk.contains("alg")) {
    auto algorithm = parse_algorithm(text_of(jwk, "alg"));
    if (!algorithm) return Message{"the JWK's \"alg\": " + algorithm.error().text};
    key.algorithm = *algorithm;
  }
  auto secret = decode_base64url(text_of(jwk, "k"));
  if (!secret || secret->empty()) return Message{"the JWK's \"k\" must be the secret in base64url, without padding"};
  key.secret = base::Secret(std::move(*secret));
  key.id = text_of(jwk, "kid");
  return key;
}

/// RFC 7517 section 5: a key of a set that is not understood is left out.
base::OrMessage<Keys> read_set(const json::array& set) {
  Keys keys;
  std::optional<Message> first_problem;
  for (const json::value& item : set) {
    auto key = item.is_object() ? read_jwk(item.get_object()) : Message{"an item that is no object"};
    if (key) {
      keys.push_back(std::move(*key));
    } else if (!first_problem) {
      first_problem = key.error();
    }
  }
  if (!keys.empty()) return keys;
  if (!first_problem) return Message{"the JWK Set is empty"};
  return Message{"no key of the JWK Set can be used: " + first_problem->text};
}

base::OrMessage<Keys> read_jwks(std::string_view text) {
  const auto object = JsonReader().read_object(text);
  if (!object) return Message{"it looks like a JWK, but is not valid JSON, or has a member twice"};
  if (const json::value* const set = object->if_contains("keys")) {
    if (!set->is_array()) return Message{"\"keys\" of a JWK Set must be a list"};
    return read_set(set->get_array());
  }
  auto key = read_jwk(*object);
  if (!key) return key.error();
  Keys keys;
  keys.push_back(std::move(*key));
  return keys;
}

}  // namespace

KeyForm form_of(std::string_view bytes) noexcept {
  bytes.remove_prefix(std::min(bytes.find_first_not_of(kBlanks), bytes.size()));
  if (bytes.starts_with("-----BEGIN")) return KeyForm::Pem;
  const bool has_members = bytes.find("\"kty\"") != bytes.npos || bytes.find("\"keys\"") != bytes.npos;
  return bytes.starts_with('{') && has_members ? KeyForm::Jwk : KeyForm::Raw;
}

base::OrMessage<Keys> read_key_file(std::string_view bytes) {
  switch (form_of(bytes)) {
    case KeyForm::Pem:
      return Message{"PEM keys are not supported yet; " + std::string(kOtherTypes)};
    case KeyForm::Jwk:
      return read_jwks(bytes);
    case KeyForm::Raw:
      break;
  }
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  if (bytes.empty()) return Message{"the key is empty"};
  Keys keys;
  keys.push_back({base::Secret(std::string(bytes)), {}, {}, {}});
  return keys;
}

}  // namespace sidegate::token
